#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

// BaseUrl - a provider's base URL taken apart. Views into the text.
struct BaseUrl {
  bool tls = false;
  std::string_view host;       // as written, without brackets; compare it ignoring case
  std::uint16_t port = 0;      // the given one or the scheme's own
  std::string_view base_path;  // "" or "/v1": begins with '/', does not end with one
  std::string_view authority;  // what Host carries: without the port when it is the scheme's own
};

// "https://host:8443/v1" or "http://[::1]:9000". False and a sentence in `why` (static) for another
// scheme, userinfo, an invalid host or port, a host that nobody can look up (parser/host_name.h), a
// query, a fragment, and paths with empty or dot segments, encoded slashes or %00.
[[nodiscard]] bool parse_base_url(std::string_view text, BaseUrl& out,
                                  std::string_view& why) noexcept;

// The most that write_target() writes.
[[nodiscard]] constexpr std::size_t target_bytes_max(std::string_view base_path,
                                                     std::string_view path,
                                                     std::string_view query) noexcept {
  return base_path.size() + path.size() + 1 + query.size();
}

// The target at the provider for a request for `path`: base path and path joined, where the last
// segment of the base is taken once if the path begins with the same (COMPAT, base URL rule), then
// '?' and the query byte for byte (S5). Returns the length. "/api/v1" + "/v1/models" gives
// "/api/v1/models".
[[nodiscard]] std::size_t write_target(char* out, std::string_view base_path, std::string_view path,
                                       bool has_query, std::string_view query) noexcept;

}  // namespace sluice
