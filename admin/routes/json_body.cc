#include "admin/routes/json_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "parser/json_index.h"
#include "parser/json_walk.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

constexpr int kDepthMax = 32;

std::string dump(const Json& body) {
  return body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

AdminResponse refuse(std::string field, std::string problem, std::string mend) {
  return refuse_fields({{std::move(field), std::move(problem), std::move(mend)}});
}

// Where it is no JSON, and what is wrong there. Never what stands there: it may be a key.
AdminResponse refuse_text(std::string_view text) {
  JsonIndex index;
  JsonFault fault;
  if (index.build(text, fault)) {
    JsonWalk walk(text, index.tokens());
    if (!walk.value()) fault = walk.fault();
    else if (walk.offset() < text.size()) fault = {walk.offset(), "something behind its end"};
  }
  if (fault.message.empty())
    return refuse("", "the body is no JSON", "give an object, {...}, in UTF-8");
  const std::string_view before = text.substr(0, fault.offset);
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;
  return refuse(
      "", fmt::format("the body is no JSON: line {}, column {}: {}", line, column, fault.message),
      "give an object, {...}, with names and texts in double quotes");
}

}  // namespace

std::expected<Json, AdminResponse> read_json_object(const AdminRequest& request) {
  std::vector<std::set<std::string>> members;  // of the objects that are open
  bool too_deep = false;
  std::string twice;
  const auto look = [&](int depth, Json::parse_event_t event, const Json& parsed) {
    if (depth > kDepthMax) too_deep = true;
    if (event == Json::parse_event_t::object_start) members.emplace_back();
    if (event == Json::parse_event_t::object_end) members.pop_back();
    if (event == Json::parse_event_t::key && !members.empty() &&
        !members.back().insert(parsed.get<std::string>()).second && twice.empty())
      twice = parsed.dump(-1, ' ', false, Json::error_handler_t::replace);
    return !too_deep && twice.empty();
  };
  const std::string_view text = request.body.reveal();
  const Json body = Json::parse(text, look, false);
  if (too_deep)
    return std::unexpected(refuse("", "the body is nested too deep",
                                  fmt::format("give {} levels at most", kDepthMax)));
  if (!twice.empty())
    return std::unexpected(
        refuse("", fmt::format("the body has the member {} twice", twice), "give it once"));
  if (body.is_discarded()) return std::unexpected(refuse_text(text));
  if (!body.is_object())
    return std::unexpected(refuse("", "the body is no JSON object", "give an object, {...}"));
  return body;
}

AdminResponse json_response(const Json& body, std::uint16_t status) {
  return {.status = status, .body = dump(body)};
}

AdminResponse refuse_fields(const std::vector<FieldProblem>& problems, std::string detail,
                            std::string_view code, std::uint16_t status) {
  Json errors = Json::array();
  for (const FieldProblem& problem : problems) {
    Json error = {{"field", problem.field}, {"problem", problem.problem}, {"mend", problem.mend}};
    if (problem.problem == kMissingProblem) error["code"] = "missing";
    if (problem.entry) error["entry"] = *problem.entry;
    if (problem.line > 0) error["line"] = problem.line;
    if (!problem.source.empty()) error["source"] = problem.source;
    errors.push_back(std::move(error));
  }
  if (detail.empty()) {
    const FieldProblem& first = problems.front();
    detail = first.field + (first.field.empty() ? "" : ": ") + first.problem;
    if (!first.mend.empty()) detail += "; " + first.mend;
    if (problems.size() > 1) detail += " (and " + std::to_string(problems.size() - 1) + " more)";
  }
  return json_response({{"detail", detail}, {"code", code}, {"errors", errors}}, status);
}

}  // namespace sluice
