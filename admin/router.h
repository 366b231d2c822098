#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "admin/admin_message.h"

namespace sluice {

class ControlRoom;

// Who may ask for a route.
enum class Access : std::uint8_t {
  kPublic,  // everybody who reaches the listener
  kRead,    // the administrator; everybody with admin.public_read
  kAdmin,   // the administrator
};

// What becomes of a request for a route.
enum class Serving : std::uint8_t {
  kWhole,   // the handler answers
  kEvents,  // a stream of snapshots follows the handler's head
};

// What becomes of the parameters of a request for a route.
enum class Query : std::uint8_t {
  kRefused,  // there are none: one that is given is wrong
  kRead,     // by the handler, which refuses those that it does not know (QueryParams)
  kIgnored,  // browsers and scrapers may add their own
};

inline constexpr std::size_t kAdminBodyMax = 1024 * 1024;
inline constexpr std::size_t kAdminImportMax = 8 * 1024 * 1024;

// AdminRoute - one path and method.
struct AdminRoute {
  using Handler = AdminResponse (*)(ControlRoom& room, const AdminRequest& request);
  std::string_view method;
  std::string_view path;  // "{...}" stands for one segment, "{...*}" for all that are left
  Access access = Access::kAdmin;
  Handler handler = nullptr;
  Query query = Query::kRefused;
  std::size_t body_max = kAdminBodyMax;
  bool takes_yaml = false;  // application/yaml beside application/json
  Serving serving = Serving::kWhole;
  bool for_metrics = false;  // the metrics' listener has it too
};

// AdminMatch - the route of a request, or why there is none.
struct AdminMatch {
  const AdminRoute* route = nullptr;  // null: 404 or 405
  std::string allow;                  // of 405: the methods that the path takes; "": 404
  std::vector<std::string> params;
};

// Among `routes`: a path without parameters goes before one with them. HEAD is asked as GET.
[[nodiscard]] AdminMatch find_route(std::span<const AdminRoute> routes, std::string_view method,
                                    std::string_view path);

// The decoded pairs of a query; false when one is malformed.
[[nodiscard]] bool parse_query(std::string_view query,
                               std::vector<std::pair<std::string, std::string>>& out);

}  // namespace sluice
