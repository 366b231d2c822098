#include "admin/routes/json_body.h"

#include <set>

namespace sluice {
namespace {

using Json = nlohmann::json;

constexpr int kDepthMax = 32;

std::string dump(const Json& body) {
  return body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::expected<Json, AdminResponse> read_json_object(const AdminRequest& request) {
  std::string_view fault;
  std::vector<std::set<std::string>> members;  // of the objects that are open
  const auto look = [&](int depth, Json::parse_event_t event, const Json& parsed) {
    if (depth > kDepthMax) fault = "the body is nested too deep";
    if (event == Json::parse_event_t::object_start) members.emplace_back();
    if (event == Json::parse_event_t::object_end) members.pop_back();
    if (event == Json::parse_event_t::key && !members.empty() &&
        !members.back().insert(parsed.get<std::string>()).second)
      fault = "the body has a member twice";
    return fault.empty();
  };
  const Json body = Json::parse(request.body.reveal(), look, false);
  if (!fault.empty()) return std::unexpected(admin_error(400, fault));
  if (body.is_discarded()) return std::unexpected(admin_error(400, "the body is no JSON"));
  if (!body.is_object()) return std::unexpected(admin_error(400, "the body is no JSON object"));
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
