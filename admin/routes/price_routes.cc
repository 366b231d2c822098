// What models cost.
#include <algorithm>

#include "admin/control_room.h"
#include "admin/routes/answers.h"
#include "admin/routes/json_body.h"
#include "admin/routes/query_params.h"
#include "admin/routes/routes.h"
#include "admin/routes/times.h"
#include "admin/usage_operations.h"
#include "base/decimal.h"
#include "parser/rfc3339.h"
#include "store/prices.h"
#include "store/usage_keys.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

constexpr int kNanoPlaces = 9;  // of a dollar for a million tokens
constexpr std::int64_t kDollarsMax = 1'000'000;

double dollars(std::uint64_t nano) { return static_cast<double>(nano) / 1e9; }

Json object_of(const StoredPrice& price) {
  const auto or_null = [](std::optional<std::uint64_t> nano) {
    return nano ? Json(dollars(*nano)) : Json();
  };
  return {{"model", price.model},
          {"valid_from", rfc3339_text(price.valid_from_ms)},
          {"input_per_million", dollars(price.rate.input)},
          {"output_per_million", dollars(price.rate.output)},
          {"cache_read_per_million", or_null(price.rate.cached_read)},
          {"cache_write_per_million", or_null(price.rate.cached_write)}};
}

AdminResponse list_prices_of(ControlRoom& room, const AdminRequest&) {
  Json all = Json::array();
  if (room.gateway().store() == nullptr) return json_response(all);
  const auto prices = list_prices(*room.gateway().store());
  if (!prices) return store_trouble(prices.error());
  // The store has each model's oldest first.
  for (auto price = prices->begin(); price != prices->end();) {
    auto end = price;
    while (end != prices->end() && end->model == price->model) ++end;
    for (auto later = end; later != price;) all.push_back(object_of(*--later));
    price = end;
  }
  return json_response(all);
}

struct PriceMember {
  const char* name;
  const char* arg;
  bool required;
};
constexpr PriceMember kMembers[] = {{"input_per_million", "input", true},
                                    {"output_per_million", "output", true},
                                    {"cache_read_per_million", "cached_read", false},
                                    {"cache_write_per_million", "cached_write", false}};

void read_amount(const Json& body, const PriceMember& member, Json& args,
                 std::vector<FieldProblem>& problems) {
  const auto given = body.find(member.name);
  if (given == body.end() || (given->is_null() && !member.required)) {
    if (member.required) problems.push_back({member.name, "is missing", "give dollars"});
    return;
  }
  const auto nano =
      given->is_number() ? parse_scaled_decimal(given->dump(), kNanoPlaces) : std::nullopt;
  const bool too_small = nano == 0 && *given != 0;  // it would be no price at all
  if (nano && !too_small && *nano >= 0 && *nano <= kDollarsMax * 1'000'000'000)
    args[member.arg] = *nano;
  else
    problems.push_back(
        {member.name,
         given->dump() + (too_small ? " is less than a nano-dollar" : " is no amount of dollars"),
         "give dollars for a million tokens, 0 to 1000000"});
}

AdminResponse put_price_of(ControlRoom& room, const AdminRequest& request) {
  auto body = read_json_object(request);
  if (!body) return std::move(body.error());
  Json args = Json::object();
  std::vector<FieldProblem> problems;
  const auto model = body->find("model");
  if (model == body->end() || !model->is_string() || *model == "")
    problems.push_back({"model", "is missing", "give a model's name"});
  else args["model"] = *model;
  for (const PriceMember& member : kMembers) read_amount(*body, member, args, problems);
  const auto from = body->find("valid_from");
  if (from != body->end()) {
    const auto at = from->is_string() ? parse_rfc3339(from->get<std::string>()) : std::nullopt;
    if (at) args["valid_from_ms"] = *at;
    else problems.push_back({"valid_from", "is no time", "give 2026-01-31T08:15:00Z"});
  } else {
    args["valid_from_ms"] = room.gateway().clock().unix_ms();
  }
  for (const auto& [name, value] : body->items()) {
    const bool known = name == "model" || name == "valid_from" ||
                       std::ranges::find(kMembers, name, &PriceMember::name) != std::end(kMembers);
    if (!known) problems.push_back({name, "is no member of a price", "leave it out"});
  }
  if (!problems.empty()) return refuse_fields(problems);
  const AdminAnswer answer = room.gateway().change({.command = "prices.put", .args = args});
  if (answer.outcome != AdminOutcome::kDone || !answer.changed)
    return refusal_of(answer, "Price not found");
  StoredPrice price{.model = args["model"], .valid_from_ms = args["valid_from_ms"], .rate = {}};
  price.rate.input = args["input"];
  price.rate.output = args["output"];
  if (args.contains("cached_read")) price.rate.cached_read = args["cached_read"];
  if (args.contains("cached_write")) price.rate.cached_write = args["cached_write"];
  return json_response(object_of(price));
}

AdminResponse delete_price_of(ControlRoom& room, const AdminRequest& request) {
  QueryParams params(request);
  const std::string model = params.text("model").value_or("");
  if (model.empty()) params.wrong("model", "is missing", "give a model's name");
  const auto from = params.text("valid_from");
  const auto at = from ? parse_rfc3339(*from) : std::nullopt;
  if (!at) params.wrong("valid_from", "is no time", "give 2026-01-31T08:15:00Z");
  if (auto refusal = params.refusal()) return std::move(*refusal);
  const AdminAnswer answer = room.gateway().change(
      {.command = "prices.remove", .args = {{"model", model}, {"valid_from_ms", *at}}});
  if (answer.outcome != AdminOutcome::kDone || !answer.changed)
    return refusal_of(answer, "Price not found");
  return json_response({{"status", "deleted"}, {"model", model}});
}

// What has been used is priced anew, in whole hours.
AdminResponse recompute(ControlRoom& room, const AdminRequest& request) {
  auto body = read_json_object(request);
  if (!body) return std::move(body.error());
  std::vector<FieldProblem> problems;
  const auto time_of = [&](const char* name) -> std::optional<std::int64_t> {
    const auto given = body->find(name);
    if (given == body->end()) return std::nullopt;
    const auto at = given->is_string() ? parse_rfc3339(given->get<std::string>()) : std::nullopt;
    if (!at) problems.push_back({name, "is no time", "give 2026-01-31T08:00:00Z"});
    return at;
  };
  const auto from = time_of("from");
  const std::int64_t to = time_of("to").value_or(room.gateway().clock().unix_ms());
  if (!body->contains("from"))
    problems.push_back({"from", "is missing", "give 2026-01-31T08:00:00Z"});
  else if (from && *from >= to)
    problems.push_back({"from", "is not before `to`", "give an earlier time"});
  for (const auto& [name, value] : body->items())
    if (name != "from" && name != "to")
      problems.push_back({name, "is not known here", "leave it out"});
  if (!problems.empty()) return refuse_fields(problems);
  const AdminAnswer answer =
      recompute_usage(hour_of(*from), hour_of(to - 1) + 1,
                      [&room](const AdminCall& call) { return room.gateway().change(call); });
  if (answer.outcome != AdminOutcome::kDone) return refusal_of(answer, "");
  return json_response(answer.figures);
}

constexpr AdminRoute kRoutes[] = {
    {"GET", "/api/admin/prices", Access::kRead, list_prices_of},
    {"PUT", "/api/admin/prices", Access::kAdmin, put_price_of},
    {"POST", "/api/admin/prices/recompute", Access::kAdmin, recompute},
    {"DELETE", "/api/admin/prices", Access::kAdmin, delete_price_of, Query::kRead},
};

}  // namespace

std::span<const AdminRoute> price_routes() { return kRoutes; }

}  // namespace sluice
