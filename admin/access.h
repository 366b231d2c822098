#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "admin/admin_message.h"
#include "admin/router.h"
#include "base/clock.h"
#include "engine/config/config.h"
#include "engine/route/string_hash.h"
#include "tls/digest.h"

namespace sluice {

// AccessDoors - what of who is let in a reload may change.
struct AccessDoors {
  bool public_read = false;
  // Names under which this gateway is reached, lower case; IP addresses and localhost are known
  // anyway.
  std::vector<std::string> hosts;
};

[[nodiscard]] inline AccessDoors doors_of(const Config& config) {
  return {.public_read = config.admin.public_read, .hosts = config.admin.hosts};
}

// AccessRules - who is let in.
struct AccessRules {
  std::optional<Sha256Digest> token;  // nothing: nobody is the administrator
  Sha256Digest cookie_key{};          // of this gateway and this token; nobody else knows it
  AccessDoors doors;
};

// AccessKeeper - decides who may ask for what (docs/ADMIN_API.md, Who may): the token or the cookie
// that stands for it, the names of this host (against DNS rebinding), the origin of a browser's
// request (against forgery by other sites), and how often who asks may be wrong: an IPv4 address,
// or the /64 of an IPv6 one, of which everybody has all (RFC 6177), and all of them together.
//
// Owns      the counts of failures. Affinity: any thread but a shard's.
class AccessKeeper {
 public:
  static constexpr Duration kCookieLife = 12h;
  static constexpr int kFailuresMax = 5;  // of one network in kFailureWindow; then 429 to all of it
  // Of all networks together; then each that is wrong is 429 at once. Who is right is let in: no
  // stranger can keep the owner out, and a token cannot be guessed (docs/THREAT_MODEL.md).
  static constexpr int kFailuresOfAllMax = 100;
  static constexpr Duration kFailureWindow = 1min;
  static constexpr std::size_t kEndedMax = 4096;     // logins that were ended; the first to end go
  static constexpr std::size_t kNetworksMax = 4096;  // beyond, the oldest are forgotten

  explicit AccessKeeper(AccessRules rules)
      : rules_(std::move(rules)), doors_(std::make_shared<const AccessDoors>(rules_.doors)) {}

  // From the next request on.
  void set_doors(AccessDoors doors);

  // Nothing: it may; `admission` says how it came in.
  [[nodiscard]] std::optional<AdminResponse> refuse(const AdminRequest& request, Access access,
                                                    Instant now, std::int64_t now_unix_ms,
                                                    Admission& admission);
  // Only that the request names this host: all that a listener for metrics asks for.
  [[nodiscard]] std::optional<AdminResponse> refuse_host(const AdminRequest& request) const;

  // POST /api/admin/login: whether that is the token; the cookie's value then, "" otherwise. The
  // second tells when too many were wrong.
  [[nodiscard]] std::string cookie_for(std::string_view token, std::int64_t now_unix_ms) const;
  [[nodiscard]] bool is_token(std::string_view offered) const;
  // POST /api/admin/logout: the request's cookie, if it has one that holds, does not any more, as
  // long as this process lives.
  void end_cookie(const AdminRequest& request, std::int64_t now_unix_ms);
  [[nodiscard]] std::optional<AdminResponse> refuse_failures(const std::string& peer, Instant now);
  // What a wrong token is answered, which is counted: 401, or 429 when there were too many of all.
  [[nodiscard]] AdminResponse refuse_wrong(const std::string& peer, Instant now);
  // Of the cookie as that request's browser has it: with the port by which the gateway was asked
  // for, because a browser gives a host's cookies to all its ports; on a connection under TLS with
  // the prefix by which it takes them from this very host alone (RFC 6265bis, 4.1.3.2). Without TLS
  // it would take none of that name.
  [[nodiscard]] static std::string cookie_name(const AdminRequest& request);
  // Whether who was let in so still would be: his cookie has neither ended nor expired, and who
  // reads without a token still may.
  [[nodiscard]] bool still_holds(const Admission& admission, std::int64_t now_unix_ms) {
    if (admission.reads_only) return doors()->public_read;
    return admission.login.empty() || cookie_holds(admission.login, now_unix_ms);
  }
  // Told of every wrong token, from whatever thread has seen it; set before the first one.
  void on_failure(std::function<void(const std::string& peer)> tell) { tell_ = std::move(tell); }

 private:
  [[nodiscard]] std::shared_ptr<const AccessDoors> doors() const;
  [[nodiscard]] bool cookie_holds(std::string_view value, std::int64_t now_unix_ms);
  [[nodiscard]] std::string signature_of(std::string_view login) const;
  [[nodiscard]] static std::string_view cookie_of(const AdminRequest& request);
  [[nodiscard]] std::optional<AdminResponse> refuse_origin(const AdminRequest& request,
                                                           Access access) const;

  struct Failures {
    int count = 0;
    Instant since{};
  };
  const AccessRules rules_;
  std::function<void(const std::string& peer)> tell_;
  mutable std::mutex mutex_;
  std::shared_ptr<const AccessDoors> doors_;                                         // under it
  std::unordered_map<std::string, Failures, StringHash, std::equal_to<>> failures_;  // under it
  Failures all_failures_;                                                            // under it
  // Of the logins that were ended: when their cookies would have, in seconds since 1970, and what
  // is drawn for each. Under it too.
  std::set<std::pair<std::int64_t, std::string>> ended_;
};

// Who counts as one: the address itself, or of an IPv6 one the first 64 bits ("2001:db8::/64").
[[nodiscard]] std::string network_of(const std::string& peer);

// The name or address of a Host field, without its port.
[[nodiscard]] std::string_view host_name(std::string_view host) noexcept;

// Whether `host`, of a Host field, is an address, localhost, or one of `hosts`.
[[nodiscard]] bool is_known_host(std::string_view host, const std::vector<std::string>& hosts);

}  // namespace sluice
