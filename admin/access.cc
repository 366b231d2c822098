#include "admin/access.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "parser/base64.h"
#include "parser/ip_address.h"
#include "store/vault/token.h"
#include "tls/random.h"

namespace sluice {
namespace {

constexpr std::string_view kWrongToken = "Invalid admin token";
constexpr std::string_view kNoToken = "Admin API not configured: set SIDECAR_ADMIN_TOKEN";

constexpr std::size_t kNonceBytes = 16;

// What follows `scheme` in Authorization; "" when it has another one.
std::string_view credentials_of(const AdminRequest& request, std::string_view scheme) {
  std::string_view value = request.field("authorization");
  if (value.size() <= scheme.size() || value[scheme.size()] != ' ' ||
      !equals_ignoring_case(value.substr(0, scheme.size()), scheme))
    return {};
  value.remove_prefix(scheme.size());
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return value;
}

// The token that is offered; "" when there is none. A browser without scripts asks its user for a
// password, which it then sends with every request, also those that another site has it make: it
// is the token where nothing can be changed, and no other site can read the answer.
std::string token_of(const AdminRequest& request, Access access) {
  const std::string_view bearer = credentials_of(request, "bearer");
  if (!bearer.empty() || access != Access::kRead) return std::string(bearer);
  const auto pair = decode_base64(credentials_of(request, "basic"));
  return pair && pair->contains(':') ? pair->substr(pair->find(':') + 1) : std::string();
}

// When a cookie ends, in seconds since 1970; 0 when it does not say.
std::int64_t expiry_of(std::string_view cookie) {
  const std::string_view digits = cookie.substr(0, cookie.find('.'));
  std::int64_t until = 0;
  const auto parsed = std::from_chars(digits.begin(), digits.end(), until);
  return parsed.ec == std::errc() && parsed.ptr == digits.end() ? until : 0;
}

// Where somebody has opened a page that is only read, his browser asks him for the token.
AdminResponse unauthorized(const AdminRequest& request, Access access, std::string_view detail,
                           std::string_view code) {
  const bool asks = access == Access::kRead && request.field("accept").contains("text/html");
  AdminResponse response = admin_error(401, detail, code);
  response.fields.emplace_back(
      "www-authenticate",
      asks ? "Basic realm=\"sluice: the token is the password\"" : "Bearer realm=\"sluice\"");
  return response;
}

AdminResponse too_many(Duration left) {
  AdminResponse response =
      admin_error(429, "too many wrong tokens; see Retry-After", "too_many_tokens");
  response.fields.emplace_back("retry-after", std::to_string(left / 1s + 1));
  return response;
}

// What names a login: the time of its end, and what was drawn for it.
std::string_view login_of(std::string_view cookie) {
  return cookie.substr(0, std::min(cookie.rfind('.'), cookie.size()));
}

}  // namespace

std::string_view host_name(std::string_view host) noexcept {
  if (host.starts_with('[')) return host.substr(0, std::min(host.find(']') + 1, host.size()));
  return host.substr(0, std::min(host.rfind(':'), host.size()));
}

bool is_known_host(std::string_view host, const std::vector<std::string>& hosts) {
  std::string name(host_name(host));
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return name == "localhost" || parse_ip(name).has_value() ||
         std::ranges::find(hosts, name) != hosts.end();
}

void AccessKeeper::set_doors(AccessDoors doors) {
  auto next = std::make_shared<const AccessDoors>(std::move(doors));
  const std::lock_guard lock(mutex_);
  doors_ = std::move(next);
}

std::shared_ptr<const AccessDoors> AccessKeeper::doors() const {
  const std::lock_guard lock(mutex_);
  return doors_;
}

std::optional<AdminResponse> AccessKeeper::refuse_host(const AdminRequest& request) const {
  if (is_known_host(request.head.host, doors()->hosts)) return std::nullopt;
  return admin_error(403,
                     "this gateway is not known by that name (Host); ask for its address, or add "
                     "the name to admin.hosts in its configuration",
                     "foreign");
}

std::optional<AdminResponse> AccessKeeper::refuse_origin(const AdminRequest& request,
                                                         Access access) const {
  if (auto unknown = refuse_host(request)) return unknown;
  // Who follows a link to what is only read sees it himself; the page that has it does not.
  if (access == Access::kRead && request.field("sec-fetch-mode") == "navigate" &&
      request.field("sec-fetch-dest") == "document")
    return std::nullopt;
  const std::string_view site = request.field("sec-fetch-site");
  if (!site.empty() && site != "same-origin" && site != "none")
    return admin_error(403, "a page of another site may not ask this (Sec-Fetch-Site)", "foreign");
  std::string_view origin = request.field("origin");
  if (origin.empty()) return std::nullopt;
  const std::size_t scheme = origin.find("://");
  if (scheme != origin.npos) origin.remove_prefix(scheme + 3);
  if (!equals_ignoring_case(origin, request.head.host))
    return admin_error(403, "a page of another site may not ask this (Origin)", "foreign");
  return std::nullopt;
}

std::optional<AdminResponse> AccessKeeper::refuse(const AdminRequest& request, Access access,
                                                  Instant now, std::int64_t now_unix_ms,
                                                  Admission& admission) {
  admission = {};
  if (access == Access::kPublic && request.head.method_text == "GET") return std::nullopt;
  if (auto foreign = refuse_origin(request, access)) return foreign;
  if (access == Access::kPublic) return std::nullopt;
  const std::string token = token_of(request, access);
  const std::string_view cookie = cookie_of(request);
  if (!cookie.empty() && cookie_holds(cookie, now_unix_ms)) {
    admission.login = cookie;
    return std::nullopt;
  }
  if (token.empty()) {
    // A cookie that has expired is no attack.
    admission.reads_only = access == Access::kRead && doors()->public_read;
    if (admission.reads_only) return std::nullopt;
    if (!rules_.token) return unauthorized(request, access, kNoToken, "no_token_set");
    return unauthorized(request, access, "Missing Authorization header", "no_token");
  }
  if (auto many = refuse_failures(request.peer, now)) return many;
  if (is_token(token)) return std::nullopt;
  if (!rules_.token) return unauthorized(request, access, kNoToken, "no_token_set");
  AdminResponse wrong = refuse_wrong(request.peer, now);
  if (wrong.status == 401) return unauthorized(request, access, kWrongToken, "wrong_token");
  return wrong;
}

bool AccessKeeper::is_token(std::string_view offered) const {
  return rules_.token && token_matches(*rules_.token, offered);
}

std::string network_of(const std::string& peer) {
  const auto ip = parse_ip(peer);
  if (!ip || ip->family == IpFamily::kV4 || is_v4_mapped(*ip)) return peer;
  IpAddress network{.family = IpFamily::kV6};
  std::copy_n(ip->bytes.begin(), 8, network.bytes.begin());
  char text[kAddressTextBytesMax];
  const std::string_view whole(text, write_address(text, network, 0));  // "[2001:db8::]:0"
  return std::string(whole.substr(1, whole.find(']') - 1)) + "/64";
}

std::optional<AdminResponse> AccessKeeper::refuse_failures(const std::string& peer, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto found = failures_.find(network_of(peer));
  if (found == failures_.end()) return std::nullopt;
  const Instant end = found->second.since + kFailureWindow;
  if (now >= end) {
    failures_.erase(found);
    return std::nullopt;
  }
  if (found->second.count < kFailuresMax) return std::nullopt;
  return too_many(end - now);
}

AdminResponse AccessKeeper::refuse_wrong(const std::string& peer, Instant now) {
  if (tell_) tell_(peer);
  const std::string network = network_of(peer);
  const std::lock_guard lock(mutex_);
  const auto count = [now](Failures& failures) {
    if (failures.count == 0 || now >= failures.since + kFailureWindow)
      failures = {.count = 0, .since = now};
    return ++failures.count;
  };
  if (failures_.size() >= kNetworksMax && !failures_.contains(network)) {
    const auto oldest = std::ranges::min_element(
        failures_, {}, [](const auto& entry) { return entry.second.since; });
    failures_.erase(oldest);
  }
  count(failures_[network]);
  if (count(all_failures_) <= kFailuresOfAllMax)
    return admin_error(401, kWrongToken, "wrong_token");
  return too_many(all_failures_.since + kFailureWindow - now);
}

std::string AccessKeeper::cookie_name(const AdminRequest& request) {
  const std::string_view host = request.head.host;
  std::string_view port = host.substr(host_name(host).size());
  if (port.starts_with(':')) port.remove_prefix(1);
  const bool told = !port.empty() && port.find_first_not_of("0123456789") == port.npos;
  if (!told) port = request.tls ? "443" : "80";
  return (request.tls ? "__Host-sluice_admin_" : "sluice_admin_") + std::string(port);
}

std::string_view AccessKeeper::cookie_of(const AdminRequest& request) {
  const std::string name = cookie_name(request);
  std::string_view cookies = request.field("cookie");
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find(';'), cookies.size());
    std::string_view pair = cookies.substr(0, end);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
    const std::size_t equals = pair.find('=');
    if (equals != pair.npos && pair.substr(0, equals) == name) return pair.substr(equals + 1);
  }
  return {};
}

// A cookie is the time of its end, what was drawn for it, and this of both.
std::string AccessKeeper::signature_of(std::string_view login) const {
  const std::string text = "sluice admin cookie " + std::string(login);
  const Sha256Digest code = hmac_sha256(text_of(rules_.cookie_key), text);
  std::string digits(2 * kSha256Bytes, '\0');
  write_hex(text_of(code), digits.data());
  return digits;
}

std::string AccessKeeper::cookie_for(std::string_view token, std::int64_t now_unix_ms) const {
  if (!is_token(token)) return {};
  std::array<char, kNonceBytes> drawn;
  random_fill(drawn);
  std::string nonce(2 * kNonceBytes, '\0');
  write_hex({drawn.data(), drawn.size()}, nonce.data());
  const std::string login = std::to_string((now_unix_ms + kCookieLife / 1ms) / 1000) + "." + nonce;
  return login + "." + signature_of(login);
}

void AccessKeeper::end_cookie(const AdminRequest& request, std::int64_t now_unix_ms) {
  const std::string_view cookie = cookie_of(request);
  if (cookie.empty() || !cookie_holds(cookie, now_unix_ms)) return;
  const std::lock_guard lock(mutex_);
  while (!ended_.empty() &&
         (ended_.begin()->first <= now_unix_ms / 1000 || ended_.size() >= kEndedMax))
    ended_.erase(ended_.begin());
  ended_.emplace(expiry_of(cookie), login_of(cookie));
}

bool AccessKeeper::cookie_holds(std::string_view value, std::int64_t now_unix_ms) {
  const std::string_view login = login_of(value);
  if (!rules_.token || login.size() == value.size()) return false;
  if (!constant_time_equal(signature_of(login), value.substr(login.size() + 1))) return false;
  const std::int64_t until = expiry_of(value);
  if (now_unix_ms / 1000 >= until) return false;
  const std::lock_guard lock(mutex_);
  return !ended_.contains({until, std::string(login)});
}

}  // namespace sluice
