#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <cstring>

#include "admin/operations.h"
#include "admin/row_tag.h"
#include "base/decimal.h"
#include "engine/config/scalar.h"
#include "store/catalog.h"
#include "store/vault/token.h"

namespace sluice {
namespace {

using Faults = std::vector<FieldProblem>;

// A limit of a client key: a whole number, 0 for none.
void read_limit(const nlohmann::json& args, const char* name, std::uint32_t max,
                std::uint32_t& value, Faults& faults) {
  const auto given = args.find(name);
  if (given == args.end()) return;
  if (given->is_number_unsigned() && given->get<std::uint64_t>() <= max) {
    value = given->get<std::uint32_t>();
    return;
  }
  faults.push_back({name, given->dump() + " is wrong",
                    fmt::format("give a whole number from 0 (no limit) to {}", max)});
}

void read_priority(const nlohmann::json& args, const char* name, StoredPriority& value,
                   Faults& faults) {
  const auto given = args.find(name);
  if (given == args.end()) return;
  const auto rank = given->is_string() ? priority_of(given->get_ref<const std::string&>())
                                       : decltype(priority_of(""))();
  if (rank) value = static_cast<StoredPriority>(*rank);
  else faults.push_back({name, given->dump() + " is none", "give urgent, high, normal or low"});
}

// Dollars, to the nano-dollar.
void read_budget(const nlohmann::json& args, StoredClientKey& key, Faults& faults) {
  constexpr int kNanoPlaces = 9;
  if (const auto given = args.find("budget_usd"); given != args.end()) {
    const auto nano = given->is_number() ? parse_scaled_decimal(given->dump(), kNanoPlaces)
                                         : decltype(parse_scaled_decimal("", 0))();
    // What is too little to be counted is no wish for no budget.
    const bool lost = nano && *nano == 0 && *given != 0;
    if (nano && !lost && *nano >= 0 && *nano <= std::int64_t{kBudgetMax}) {
      key.budget_nano_dollars = static_cast<std::uint64_t>(*nano);
    } else {
      faults.push_back({"budget_usd", given->dump() + " is wrong",
                        fmt::format("give dollars from 0 (no budget) to {}", kBudgetDollarsMax)});
    }
  }
  if (const auto given = args.find("budget_period"); given != args.end()) {
    const auto found = given->is_string()
                           ? std::ranges::find(kBudgetPeriodNames, given->get<std::string>())
                           : std::end(kBudgetPeriodNames);
    if (found != std::end(kBudgetPeriodNames))
      key.budget_period = static_cast<StoredPeriod>(found - std::begin(kBudgetPeriodNames));
    else
      faults.push_back({"budget_period", given->dump() + " is none", "give day, month or total"});
  }
}

void read_models(const nlohmann::json& args, std::vector<std::string>& value, Faults& faults) {
  const auto given = args.find("models");
  if (given == args.end()) return;
  if (given->is_null()) return value.clear();  // all
  if (!given->is_array()) {
    faults.push_back({"models", given->dump() + " is no list",
                      "give [\"a model's name\"], or null for every model"});
    return;
  }
  value.clear();
  for (std::size_t i = 0; i < given->size(); ++i) {
    const nlohmann::json& model = (*given)[i];
    const std::string name = model.is_string() ? model.get<std::string>() : std::string();
    const std::string_view problem = kModelRule.check(name);
    if (model.is_string() && problem.empty() && std::ranges::find(value, name) == value.end())
      value.push_back(name);
    else
      faults.push_back(
          {fmt::format("models[{}]", i),
           fmt::format("{} {}",
                       model.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                       problem.empty() ? "stands here twice" : problem),
           fmt::format("give {}", kModelRule.expected)});
  }
}

// A priority above priority_max would never be had. The default follows the limit.
void settle_priorities(const nlohmann::json& args, StoredClientKey& key, Faults& faults) {
  const bool given = args.contains("priority"), limit_given = args.contains("priority_max");
  if (key.priority >= key.priority_max || (!given && !limit_given)) return;  // urgent is 0
  if (!given && key.created_ms == 0) {
    key.priority = key.priority_max;
    return;
  }
  const auto word = [](StoredPriority rank) { return kPriorityNames[static_cast<int>(rank)]; };
  if (given)
    faults.push_back({"priority",
                      fmt::format("\"{}\" is above priority_max, {}", word(key.priority),
                                  word(key.priority_max)),
                      fmt::format("give {}, or a higher priority_max", word(key.priority_max))});
  else
    faults.push_back({"priority_max",
                      fmt::format("\"{}\" is below its priority, {}", word(key.priority_max),
                                  word(key.priority)),
                      fmt::format("give {}, or a lower priority too", word(key.priority))});
}

Faults read_client(const nlohmann::json& args, StoredClientKey& key) {
  Faults faults;
  read_limit(args, "rpm_limit", 1'000'000, key.rpm_limit, faults);
  read_limit(args, "tpm_limit", 1'000'000'000, key.tpm_limit, faults);
  read_limit(args, "concurrent_limit", 1'000'000, key.concurrent_limit, faults);
  read_budget(args, key, faults);
  read_models(args, key.models, faults);
  read_priority(args, "priority", key.priority, faults);
  read_priority(args, "priority_max", key.priority_max, faults);
  if (faults.empty()) settle_priorities(args, key, faults);
  return faults;
}

}  // namespace

AdminAnswer AdminDesk::create_client(const AdminCall& call) {
  StoredClientKey key;
  key.name = call.args.value("name", "");
  Faults faults = read_client(call.args, key);
  if (const std::string_view problem = kClientNameRule.check(key.name); !problem.empty())
    faults.insert(faults.begin(), {"name", fmt::format("\"{}\" {}", key.name, problem),
                                   fmt::format("give {}", kClientNameRule.expected)});
  faults = with_faults_of(call, std::move(faults));
  if (!faults.empty()) return refuse_faults(std::move(faults));
  const auto taken = get_client_key(writer_.environment(), key.name);
  if (!taken) return failed(taken.error());
  const auto configured = std::ranges::find(config_.clients, key.name, &ClientConfig::name);
  if (configured != config_.clients.end()) {
    const auto path = fmt::format("clients[{}]", configured - config_.clients.begin());
    return refuse_taken(fmt::format("there is a client key named \"{}\" in {}; take another name",
                                    key.name, place_of(config_, path, "name")));
  }
  if (*taken) {
    return refuse_taken(fmt::format("there is a client key named \"{}\"{}; take another name",
                                    key.name,
                                    (*taken)->revoked_ms != 0 ? ", which is revoked" : ""));
  }
  AdminAnswer answer{.secret = generate_token(), .changed = true, .object = {{"name", key.name}}};
  const Sha256Digest digest = sha256(answer.secret.reveal());
  std::memcpy(key.sha256.data(), digest.data(), digest.size());
  key.created_ms = now_unix_ms_;
  if (const auto put = put_client_key(writer_, key); !put) return failed(put.error());
  answer.text = fmt::format("client key \"{}\" made; it is shown this once\n", key.name);
  return answer;
}

AdminAnswer AdminDesk::change_client(const AdminCall& call) {
  const std::string name = call.args.value("name", "");
  const auto found = get_client_key(writer_.environment(), name);
  if (!found) return failed(found.error());
  if (!*found) return refuse_missing(fmt::format("there is no client key \"{}\"", name));
  StoredClientKey key = **found;
  if (key.revoked_ms != 0) return refuse_conflict(fmt::format("\"{}\" is revoked", name));
  if (auto outdated = refuse_outdated(call, row_tag(key), fmt::format("client key \"{}\"", name)))
    return std::move(*outdated);
  Faults faults = with_faults_of(call, read_client(call.args, key));
  if (!faults.empty()) return refuse_faults(std::move(faults));
  if (const auto put = put_client_key(writer_, key); !put) return failed(put.error());
  return {.text = fmt::format("client key \"{}\" changed\n", name),
          .changed = true,
          .object = {{"name", name}}};
}

AdminAnswer AdminDesk::revoke_client(const AdminCall& call) {
  const std::string name = call.args.value("name", "");
  const auto found = get_client_key(writer_.environment(), name);
  if (!found) return failed(found.error());
  if (!*found)
    return refuse_missing(
        fmt::format("there is no client key \"{}\" in the store; those of the "
                    "configuration file are removed there",
                    name));
  StoredClientKey key = **found;
  if (key.revoked_ms != 0) return refuse_conflict(fmt::format("\"{}\" was revoked before", name));
  if (auto outdated = refuse_outdated(call, row_tag(key), fmt::format("client key \"{}\"", name)))
    return std::move(*outdated);
  key.revoked_ms = now_unix_ms_;
  if (const auto put = put_client_key(writer_, key); !put) return failed(put.error());
  return {.text = fmt::format("client key \"{}\" revoked\n", name),
          .changed = true,
          .object = {{"name", name}}};
}

}  // namespace sluice
