#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "admin/admin_message.h"
#include "admin/routes/json_body.h"

namespace sluice {

// QueryParams - the parameters of a request, read one by one; what is wrong with them is told once
// all have been asked for. A parameter that nobody asked for is wrong too: a filter that is spelled
// otherwise must not show everything.
//
// Lifetime  within its request.
class QueryParams {
 public:
  explicit QueryParams(const AdminRequest& request) : request_(&request) {}

  // Nothing: it was not given.
  [[nodiscard]] std::optional<std::string> text(std::string_view name);
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view name, std::uint64_t min,
                                                    std::uint64_t max);
  [[nodiscard]] std::optional<bool> flag(std::string_view name);
  [[nodiscard]] std::optional<std::int64_t> time(std::string_view name);  // ms since 1970
  // Which of `choices` it is.
  [[nodiscard]] std::optional<std::size_t> choice(std::string_view name,
                                                  std::span<const std::string_view> choices);
  // For rules between them.
  void wrong(std::string_view name, std::string_view problem, std::string_view mend);

  // Last: 400 with all that is wrong, or nothing.
  [[nodiscard]] std::optional<AdminResponse> refusal();

 private:
  const AdminRequest* request_;
  std::set<std::string, std::less<>> asked_;
  std::vector<FieldProblem> problems_;
};

}  // namespace sluice
