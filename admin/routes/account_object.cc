// An account as the contract's Backend.
#include <array>
#include <chrono>
#include <cmath>

#include "admin/routes/account_list.h"
#include "admin/routes/times.h"
#include "admin/stored_entries.h"
#include "engine/config/redact.h"
#include "engine/proxy/cost.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

Json time_or_null(std::int64_t unix_ms) {
  return unix_ms == 0 ? Json() : Json(rfc3339_text(unix_ms));
}

// Dollars for a token; the store counts nano-dollars for a million tokens.
double dollars(std::uint64_t rate) { return static_cast<double>(rate) / 1e15; }

// As it is counted: cached tokens without a rate of their own cost as much as others.
Json cost_object(const ModelRate& rate) {
  return {{"input", dollars(rate.input)},
          {"output", dollars(rate.output)},
          {"cacheRead", dollars(rate.cached_read.value_or(rate.input))},
          {"cacheWrite", dollars(rate.cached_write.value_or(rate.input))}};
}

Json mappings_of(const ListedAccount& account) {
  Json mappings = Json::object();
  if (!account.stored) {
    for (const ModelMapping& model : account.config->models) {
      Json& mapping = mappings[model.canonical];
      mapping["native_id"] = model.native;
      if (model.cost.known()) mapping["cost"] = cost_object(rate_of(model.cost));
    }
    return mappings;
  }
  for (const StoredMapping& model : account.stored->models) {
    mappings[model.canonical] = {
        {"native_id", model.native_id},
        {"reasoning", model.reasoning},
        {"reasoning_effort",
         model.reasoning_effort.empty() ? Json() : Json(model.reasoning_effort)},
        {"input_modalities", model.input_modalities},
        {"cost", cost_object(model.cost)},
        {"context_window", model.context_window},
        {"max_tokens", model.max_tokens},
        {"compat", model.compat.empty() ? Json() : Json::parse(model.compat, nullptr, false)}};
  }
  return mappings;
}

// Those of an account that can be changed here are its own: the others are inherited.
Json timeouts_of(const ListedAccount& account) {
  const AccountTimeouts& all = account.config->timeouts;
  const AccountOverrides own = account.stored ? overrides_of(*account.stored)
                                              : AccountOverrides{.connect = all.connect,
                                                                 .first_byte = all.first_byte,
                                                                 .first_token = all.first_token,
                                                                 .idle = all.idle,
                                                                 .total = all.total};
  Json timeouts = Json::object();
  const auto add = [&timeouts](const char* name, std::optional<Duration> value) {
    if (value) timeouts[name] = seconds(*value);
  };
  add("connect", own.connect);
  add("first_byte", own.first_byte);
  add("first_token", own.first_token);
  add("idle", own.idle);
  add("total", own.total);
  return timeouts;
}

// The members whose values are account_defaults' and timeouts.upstream's, as they are now.
Json inherited_of(const ListedAccount& account) {
  Json names = Json::array();
  if (!account.stored) return names;
  const AccountOverrides own = overrides_of(*account.stored);
  const auto add = [&names](const char* name, const auto& value) {
    if (!value) names.push_back(name);
  };
  add("rpm_limit", own.rpm_limit);
  add("tpm_limit", own.tpm_limit);
  add("rpd_limit", own.rpd_limit);
  add("concurrent_limit", own.concurrent_limit);
  add("window_seconds", own.window);
  add("bucket", own.bucket);
  add("learn_limits", own.learn_limits);
  add("timeout_seconds", own.first_byte);
  return names;
}

std::string masked_key(const ListedAccount& account) {
  if (account.live != nullptr) return redacted(account.live->api_key.reveal());
  return account.stored ? std::string(kUnknownKey) : redacted(account.config->api_key.reveal());
}

std::string_view source_of(const ListedAccount& account) {
  constexpr std::string_view kSources[] = {"webui", "env", "import"};  // by AccountSource
  if (account.stored) return kSources[static_cast<std::size_t>(account.stored->source)];
  return account.origin.kind == Place::Kind::kEnvironment ? "env" : "file";
}

Json health_object(const AccountHealth& health) {
  const bool checked = health.last_check_ms != 0;
  return {{"state", kHealthNames[static_cast<std::size_t>(health.state)]},
          {"last_latency_ms",
           checked ? Json(static_cast<double>(health.last_latency_us) / 1e3) : Json()},
          {"last_status_code", health.last_status == 0 ? Json() : Json(health.last_status)},
          {"success_rate_5m", health.success_rate ? Json(*health.success_rate) : Json()},
          {"consecutive_failures", health.failures},
          {"last_check_at", time_or_null(health.last_check_ms)}};
}

template <std::size_t kNames, class Value>
std::string_view name_of(const std::array<std::string_view, kNames>& names, Value value) {
  return names[static_cast<std::size_t>(value)];
}

// What changes from moment to moment.
void add_view(const AccountView& view, Json& object) {
  object["status"] = name_of(kAccountStatusNames, view.status);
  object["cooldown_until"] = time_or_null(view.cooldown_until_ms);
  object["hold_until"] = time_or_null(view.hold_until_ms);
  object["consecutive_429_count"] = view.cooldowns;
  object["level"] = {{"tokens", view.tokens},
                     {"capacity", view.capacity},
                     {"inflight", view.in_flight},
                     {"token_limiter", nullptr}};
  if (view.token_limit)
    object["level"]["token_limiter"] = {{"tokens", view.token_limit->tokens},
                                        {"capacity", view.token_limit->capacity}};
  object["retreat"] = {{"state", name_of(kRetreatNames, view.retreat)},
                       {"effective_rpm", view.capacity}};
  object["breaker"] = {{"state", name_of(kBreakerNames, view.breaker)},
                       {"failures", view.failures},
                       {"open_until", time_or_null(view.breaker_open_until)}};
  object["last_error"] = nullptr;
  if (view.last_fault)
    object["last_error"] = {{"at", rfc3339_text(view.last_fault->at_ms)},
                            {"status", view.last_fault->status},
                            {"kind", view.last_fault->kind},
                            {"summary", view.last_fault->summary}};
}

}  // namespace

AccountView AccountList::view_of(const ListedAccount& account, Clock& clock) {
  if (account.unopened != nullptr)
    return view_unopened(*account.unopened, clock.now(), clock.unix_ms());
  AccountView unused;
  unused.status = AccountStatus::kDisabled;
  if (account.live == nullptr || account.live->state == nullptr) return unused;
  return view_account(*account.live, clock.now(), clock.unix_ms());
}

Json AccountList::object_of(const ListedAccount& account, ControlRoom& room) {
  const AccountConfig& config = *account.config;
  const StoredAccount* const stored = account.stored ? &*account.stored : nullptr;
  Json metadata = Json::object();
  if (stored != nullptr) metadata = Json::parse(stored->metadata, nullptr, false);
  if (!metadata.is_object()) metadata = Json::object();
  Json object = {
      {"id", account.id},
      {"name", config.name},
      {"label", stored == nullptr ? "" : stored->label},
      {"api_base_url", without_userinfo(config.base_url)},
      {"api", config.dialect == Dialect::kAnthropic ? "anthropic" : "openai-completions"},
      {"api_key", masked_key(account)},
      {"timeout_seconds", seconds(config.timeouts.first_byte)},
      {"pool", pool_text(config.pool)},
      {"enabled", config.enabled},
      {"rpm_limit", config.rpm_limit},
      {"tpm_limit", config.tpm_limit},
      {"rpd_limit", config.rpd_limit},
      {"concurrent_limit", config.concurrent_limit},
      {"window_seconds", seconds(config.window)},
      {"bucket", config.bucket == BucketShape::kSteady ? "steady" : "rolling"},
      {"learn_limits", config.learn_limits},
      {"weight", config.weight},
      {"emergency", config.emergency},
      {"model_prefix", config.model_prefix},
      {"model_mappings", mappings_of(account)},
      {"timeouts", timeouts_of(account)},
      {"inherited", inherited_of(account)},
      {"source", source_of(account)},
      {"editable", stored != nullptr},
      {"metadata", std::move(metadata)},
      {"created_at", stored == nullptr ? Json() : time_or_null(stored->created_ms)},
      {"updated_at", stored == nullptr ? Json() : time_or_null(stored->updated_ms)},
      {"health", health_object(room.live().health().find(config.name))}};
  if (config.cost.known()) object["cost"] = cost_object(rate_of(config.cost));
  add_view(view_of(account, room.gateway().clock()), object);
  return object;
}

}  // namespace sluice
