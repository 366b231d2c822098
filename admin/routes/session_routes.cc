// Logging in: the token for a cookie that scripts cannot read.
#include "admin/control_room.h"
#include "admin/routes/json_body.h"
#include "admin/routes/routes.h"

namespace sluice {
namespace {

std::string cookie_text(ControlRoom& room, const AdminRequest& request, std::string_view value,
                        Duration life) {
  std::string text = room.access().cookie_name(request) + "=" + std::string(value);
  text += "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" + std::to_string(life / 1s);
  return room.access().over_tls() ? text + "; Secure" : text;
}

AdminResponse login(ControlRoom& room, const AdminRequest& request) {
  Gateway& gateway = room.gateway();
  if (auto many = room.access().refuse_failures(request.peer, gateway.clock().now()))
    return std::move(*many);
  const auto body = read_json_object(request);
  if (!body) return admin_error(400, "send {\"token\": \"...\"}");
  const auto token = body->find("token");
  if (token == body->end() || !token->is_string())
    return refuse_fields({{"token", "is missing", "give the admin token"}});
  const std::string cookie =
      room.access().cookie_for(token->get_ref<const std::string&>(), gateway.clock().unix_ms());
  if (cookie.empty()) {
    room.access().count_failure(request.peer, gateway.clock().now());
    return admin_error(401, "Invalid admin token", "wrong_token");
  }
  room.tell(EventKind::kLogin, "Somebody logged in from " + request.peer + ".",
            {{"peer", request.peer}});
  AdminResponse response =
      json_response({{"status", "ok"}, {"expires_in_seconds", AccessKeeper::kCookieLife / 1s}});
  response.fields.emplace_back("set-cookie",
                               cookie_text(room, request, cookie, AccessKeeper::kCookieLife));
  return response;
}

AdminResponse logout(ControlRoom& room, const AdminRequest& request) {
  room.access().end_cookie(request, room.gateway().clock().unix_ms());
  AdminResponse response = json_response({{"status", "ok"}});
  response.fields.emplace_back("set-cookie", cookie_text(room, request, "", 0s));
  return response;
}

// What the caller may do; never an error, so that a page can ask before anybody has logged in.
AdminResponse get_login(ControlRoom& room, const AdminRequest& request) {
  Gateway& gateway = room.gateway();
  bool reads_only = false;
  const auto refused = room.access().refuse(request, Access::kRead, gateway.clock().now(),
                                            gateway.clock().unix_ms(), reads_only);
  return json_response({{"access", refused ? "none" : reads_only ? "read" : "full"}});
}

// A token and the JSON around it; nobody has shown a token yet.
constexpr std::size_t kLoginBodyMax = 4096;

constexpr AdminRoute kRoutes[] = {
    {"GET", "/api/admin/login", Access::kPublic, get_login, Query::kIgnored},
    {"POST", "/api/admin/login", Access::kPublic, login, Query::kRefused, kLoginBodyMax},
    {"POST", "/api/admin/logout", Access::kPublic, logout, Query::kRefused, kLoginBodyMax},
};

}  // namespace

std::span<const AdminRoute> session_routes() { return kRoutes; }

}  // namespace sluice
