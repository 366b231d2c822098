// The page, what it loads, and the document of the API: files that are part of the program.
#include "admin/assets.h"
#include "admin/control_room.h"
#include "admin/routes/routes.h"
#include "parser/ip_address.h"
#include "tls/digest.h"

namespace sluice {
namespace {

std::string_view type_of(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "application/json";
}

// Whether a browser counts where the request came from as such (Secure Contexts, 3.1). Elsewhere it
// ignores Cross-Origin-Opener-Policy, with an error on its console.
bool is_trustworthy(const AdminRequest& request) {
  if (request.tls) return true;
  const std::string_view host = host_name(request.head.host);
  const auto ip = parse_ip(host);
  return equals_ignoring_case(host, "localhost") || (ip && is_loopback(*ip));
}

AdminResponse answer_asset(const AdminRequest& request, std::string_view name) {
  const Asset* const asset = find_asset(name);
  if (asset == nullptr) return admin_error(404, "Not Found");
  AdminResponse response;
  std::string etag(2 + 16, '"');
  write_hex(text_of(sha256(asset->bytes)).substr(0, 8), etag.data() + 1);
  response.fields = {
      {"etag", etag},
      {"cache-control", "no-cache"},
      {"content-security-policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src "
       "'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
      {"cross-origin-resource-policy", "same-origin"}};
  if (is_trustworthy(request))
    response.fields.emplace_back("cross-origin-opener-policy", "same-origin");
  response.content_type = type_of(name);
  if (request.field("if-none-match") == etag) response.status = 304;
  else response.body = asset->bytes;
  return response;
}

AdminResponse get_page(ControlRoom&, const AdminRequest& request) {
  return answer_asset(request, "index.html");
}
AdminResponse get_asset(ControlRoom&, const AdminRequest& request) {
  return answer_asset(request, request.params.front());
}
AdminResponse get_document(ControlRoom&, const AdminRequest& request) {
  return answer_asset(request, "openapi.json");
}

AdminResponse go_to_page(ControlRoom&, const AdminRequest&) {
  AdminResponse response{.status = 308, .content_type = {}};
  response.fields.emplace_back("location", "/dashboard");
  return response;
}

constexpr AdminRoute kRoutes[] = {
    {"GET", "/dashboard", Access::kPublic, get_page, Query::kIgnored},
    {"GET", "/dashboard/", Access::kPublic, go_to_page, Query::kIgnored},
    {"GET", "/api/dashboard", Access::kPublic, get_page, Query::kIgnored},
    {"GET", "/dashboard/assets/{file}", Access::kPublic, get_asset, Query::kIgnored},
    {"GET", "/api/openapi.json", Access::kPublic, get_document, Query::kIgnored},
};

}  // namespace

std::span<const AdminRoute> page_routes() { return kRoutes; }

}  // namespace sluice
