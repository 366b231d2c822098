#include "tools/mock/control.h"

#include <algorithm>

#include "base/units.h"
#include "base/utf8.h"
#include "tools/mock/answer_parts.h"
#include "tools/mock/text.h"

namespace sluice {
namespace {

// Milliseconds with three decimals; null when it has not happened.
OrderedJson instant(std::int64_t unix_us) {
  if (unix_us == 0) return nullptr;
  return static_cast<double>(unix_us) / 1000.0;
}

OrderedJson exchange_json(const MockExchange& exchange) {
  return {
      {"id", exchange.id},
      {"connection", exchange.connection},
      {"key", exchange.key},
      {"method", exchange.method},
      {"target", exchange.target},
      {"request_id", exchange.request_id},
      {"model", exchange.model},
      {"stream", exchange.stream},
      {"head_at_ms", instant(exchange.head_us)},
      {"read_at_ms", instant(exchange.read_us)},
      {"answered_at_ms", instant(exchange.answered_us)},
      {"ended_at_ms", instant(exchange.ended_us)},
      {"status", exchange.status},
      {"rule", exchange.rule},
      {"request_body_bytes", exchange.request_body_bytes},
      {"answer_bytes", exchange.answer_bytes},
      {"client_left", exchange.client_left},
      {"complete", exchange.complete},
      {"refused", exchange.refused.empty() ? OrderedJson(nullptr) : OrderedJson(exchange.refused)}};
}

std::optional<std::string> key_filter(const MockRequest& request) {
  const std::string key = query_value(request.query, "key");
  return key.empty() ? std::nullopt : std::optional(key);
}

std::uint64_t number_value(const MockRequest& request, std::string_view name,
                           std::uint64_t otherwise) {
  return parse_decimal(query_value(request.query, name)).value_or(otherwise);
}

OrderedJson ledger_json(const Ledger& ledger, const MockRequest& request) {
  const Ledger::Filter filter{.key = key_filter(request),
                              .since = number_value(request, "since", 0)};
  OrderedJson requests = OrderedJson::array();
  for (const MockExchange& exchange : ledger.exchanges(filter)) {
    requests.push_back(exchange_json(exchange));
  }
  return {{"requests", std::move(requests)}, {"dropped", ledger.counts().dropped}};
}

OrderedJson arrivals_json(const Ledger& ledger, const MockRequest& request) {
  const std::uint64_t status = number_value(request, "status", 0);
  std::map<std::string, std::vector<std::int64_t>> arrivals;
  for (const MockExchange& exchange : ledger.exchanges({.key = key_filter(request)})) {
    if (exchange.read_us == 0) continue;
    if (status != 0 && exchange.status != static_cast<int>(status)) continue;
    arrivals[exchange.key].push_back(exchange.read_us);
  }
  OrderedJson json = OrderedJson::object();
  for (auto& [key, instants] : arrivals) {
    std::sort(instants.begin(), instants.end());
    OrderedJson& list = json[key] = OrderedJson::array();
    for (const std::int64_t unix_us : instants) list.push_back(instant(unix_us));
  }
  return json;
}

OrderedJson latest_json(const Ledger& ledger, const MockRequest& request) {
  const std::vector<MockExchange> exchanges = ledger.exchanges({.key = key_filter(request)});
  OrderedJson list = OrderedJson::array();
  for (const KeptRequest& kept :
       ledger.latest(number_value(request, "count", 1), key_filter(request))) {
    OrderedJson json{{"id", kept.id}};
    const auto at = std::find_if(exchanges.begin(), exchanges.end(),
                                 [&kept](const auto& entry) { return entry.id == kept.id; });
    if (at != exchanges.end()) json = exchange_json(*at);
    const bool is_text = find_invalid_utf8(kept.body) == std::string_view::npos;
    json["head"] = kept.head;
    json["body"] = is_text ? OrderedJson(kept.body) : OrderedJson(nullptr);
    json["body_base64"] = base64(kept.body);
    list.push_back(std::move(json));
  }
  return {{"requests", std::move(list)}};
}

OrderedJson count_json(const Ledger& ledger) {
  const Ledger::Counts counts = ledger.counts();
  OrderedJson by_status = OrderedJson::object();
  for (const auto& [status, count] : counts.by_status) by_status[std::to_string(status)] = count;
  return {{"requests", counts.requests},       {"in_flight", counts.in_flight},
          {"connections", counts.connections}, {"connections_open", counts.connections_open},
          {"by_key", counts.by_key},           {"by_status", std::move(by_status)}};
}

void refuse_control(MockAnswer& answer, int status, std::string message) {
  HeadBehaviour head;
  head.status = answer.status = status;
  head.message = std::move(message);
  answer.body = error_body(MockEndpoint::kControl, head);
}

OrderedJson status_json(const char* status) { return {{"status", status}}; }

}  // namespace

MockAnswer answer_control(ProviderState& state, const MockRequest& request) {
  MockAnswer answer;
  Ledger& ledger = state.ledger();
  const std::string& path = request.path;
  const bool get = request.method == "GET";
  const bool remove = request.method == "DELETE";
  if (path == "/mock/ledger" && get) {
    answer.body = json_text(ledger_json(ledger, request));
  } else if (path == "/mock/ledger" && remove) {
    ledger.reset();
    answer.body = json_text(status_json("reset"));
  } else if (path == "/mock/arrivals" && get) {
    answer.body = json_text(arrivals_json(ledger, request));
  } else if (path == "/mock/last" && get) {
    answer.body = json_text(latest_json(ledger, request));
  } else if (path == "/mock/count" && get) {
    answer.body = json_text(count_json(ledger));
  } else if (path == "/mock/script" && remove) {
    state.restore_script();
    answer.body = json_text(status_json("restored"));
  } else if (path == "/mock/script" && request.method == "POST") {
    const std::expected<void, std::string> read = state.set_script(request.body);
    if (read) answer.body = json_text(status_json("replaced"));
    else refuse_control(answer, 400, read.error());
  } else {
    refuse_control(answer, 404, "there is no " + request.method + " " + path);
  }
  return answer;
}

}  // namespace sluice
