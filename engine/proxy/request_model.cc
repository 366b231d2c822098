#include "engine/proxy/request_model.h"

#include <charconv>

#include "parser/form_model.h"

namespace sluice {
namespace {

std::string_view content_type(const Exchange& exchange) {
  const Field* const field = exchange.head->fields.find(FieldId::kContentType);
  return field == nullptr ? std::string_view{} : field->value;
}

// The media type alone, whatever its parameters: application/jsonl is another one. Types that end
// in +json are JSON too (RFC 6839).
bool is_json(std::string_view type) {
  constexpr std::string_view kSuffix = "+json";
  type = type.substr(0, type.find_first_of("; \t"));
  if (equals_ignoring_case(type, "application/json")) return true;
  return type.size() > kSuffix.size() &&
         equals_ignoring_case(type.substr(type.size() - kSuffix.size()), kSuffix);
}

Answer json_fault(Exchange& exchange, const ProbeFault& fault) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof(digits), fault.offset).ptr;
  return bad_request(
      exchange.arena.join("request body: ", fault.message, " at byte ",
                          std::string_view(digits, static_cast<std::size_t>(end - digits))),
      fault.param);
}

}  // namespace

OrAnswer<void> find_model(Exchange& exchange) {
  const std::string_view type = content_type(exchange);
  const bool needs_model = api_needs_model(exchange.api);
  const bool json = !exchange.body.empty() && (needs_model || is_json(type));
  if (json) {
    ProbeFault fault;
    // On any path: a body that we refuse and a provider takes would go round the rules for models.
    if (!exchange.worker->prober.probe(exchange.body, exchange.arena, exchange.probe, fault))
      return std::unexpected(json_fault(exchange, fault));
    exchange.json = true;
    if (exchange.probe.has_model) exchange.model = exchange.arena.copy(exchange.probe.model);
  } else if (!exchange.body.empty()) {
    exchange.model = exchange.arena.copy(find_form_model(exchange.body, type));
  }
  exchange.model_is_told = !exchange.model.empty();
  if (!exchange.model_is_told) {
    if (needs_model)
      return std::unexpected(bad_request("you must provide a model parameter", "model"));
    exchange.model = exchange.directory().default_model;
  }
  return {};
}

}  // namespace sluice
