#include "engine/proxy/own_answers.h"

#include "engine/proxy/client_auth.h"
#include "engine/proxy/head_text.h"
#include "engine/proxy/json_text.h"

namespace sluice {
namespace {

constexpr std::size_t kModelBytesMax = 128;  // of one list entry, its name apart

void add_model(HeadText& text, Arena& arena, std::string_view name, std::int64_t created_unix_s) {
  text.add("{\"id\":\"").add(escape_json(arena, name));
  text.add("\",\"object\":\"model\",\"created\":")
      .add(created_unix_s)
      .add(",\"owned_by\":\"sluice\"}");
}

Answer method_not_allowed(std::string_view allow) {
  return Answer{.status = 405,
                .type = "invalid_request_error",
                .code = "method_not_allowed",
                .message = "this path takes other methods: see the Allow field",
                .allow = allow};
}

bool is_read(const RequestHead& head) {
  return head.method == Method::kGet || head.method == Method::kHead;
}

std::string_view health_document(Shard& shard, Exchange& exchange) {
  HeadText text(exchange.arena, 256);
  text.add("{\"status\":\"ok\",\"version\":\"" SLUICE_VERSION "\",\"uptime_seconds\":");
  text.add((shard.now() - exchange.worker->started_at) / 1s).add("}\n");
  return text.take();
}

// A cooling account is usable: it comes back by itself.
bool has_usable_account(const Directory& directory) {
  for (const auto& account : directory.accounts) {
    if (account->enabled && !account->state->rejected(account->generation)) return true;
  }
  return false;
}

// A line for each reason, as Kubernetes' own servers say it.
Answer verbose_readiness(Exchange& exchange) {
  const bool usable = has_usable_account(exchange.directory());
  const bool draining = exchange.worker->draining;
  HeadText text(exchange.arena, 256);
  text.add(draining ? "[-]drain failed: the gateway is draining\n" : "[+]drain ok\n");
  text.add(usable ? "[+]accounts ok\n"
                  : "[-]accounts failed: all are disabled or their keys were refused\n");
  text.add(usable && !draining ? "readyz check passed\n" : "readyz check failed\n");
  const std::uint16_t status = usable && !draining ? 200 : 503;
  return Answer{.status = status, .document = text.take()};
}

}  // namespace

std::optional<Answer> answer_health(Shard& shard, Exchange& exchange) {
  const std::string_view path = exchange.head->path;
  const bool known = path == "/health" || path == "/livez" || path == "/readyz";
  if (!known) return std::nullopt;
  if (!is_read(*exchange.head)) return method_not_allowed("GET, HEAD");
  if (path == "/readyz" && exchange.head->query.starts_with("verbose"))
    return verbose_readiness(exchange);
  if (path != "/readyz") return Answer{.status = 200, .document = health_document(shard, exchange)};
  if (exchange.worker->draining)
    return Answer{.status = 503, .document = "{\"ready\":false,\"reason\":\"draining\"}\n"};
  if (!has_usable_account(exchange.directory())) {
    return Answer{.status = 503,
                  .document =
                      "{\"ready\":false,\"reason\":\"no account is usable: all are disabled "
                      "or their keys were refused\"}\n"};
  }
  return Answer{.status = 200, .document = "{\"ready\":true}\n"};
}

Answer answer_models(Exchange& exchange) {
  const Directory& directory = exchange.directory();
  std::size_t bytes = 64;
  for (const std::string& name : directory.model_names) bytes += name.size() * 6 + kModelBytesMax;
  HeadText text(exchange.arena, bytes);
  text.add("{\"object\":\"list\",\"data\":[");
  bool first = true;
  for (const std::string& name : directory.model_names) {
    if (!may_use_model(exchange.client_key, name)) continue;
    if (!first) text.add(",");
    first = false;
    add_model(text, exchange.arena, name, directory.created_unix_s);
  }
  text.add("]}\n");
  return Answer{.status = 200, .document = text.take()};
}

Answer answer_model(Exchange& exchange) {
  const Directory& directory = exchange.directory();
  const std::string_view id = model_id_of(exchange.head->path, exchange.arena);
  for (const std::string& name : directory.model_names) {
    if (name != id || !may_use_model(exchange.client_key, name)) continue;
    HeadText text(exchange.arena, name.size() * 6 + kModelBytesMax);
    add_model(text, exchange.arena, name, directory.created_unix_s);
    return Answer{.status = 200, .document = text.add("\n").take()};
  }
  return not_found("model_not_found",
                   exchange.arena.join("the model '", id, "' does not exist here"));
}

}  // namespace sluice
