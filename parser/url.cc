#include "parser/url.h"

#include <cstring>

#include "parser/authority.h"
#include "parser/host_name.h"
#include "parser/http1_common.h"
#include "parser/ip_address.h"
#include "parser/scan.h"
#include "parser/target.h"

namespace sluice {
namespace {

bool refuse(std::string_view& why, std::string_view message) noexcept {
  why = message;
  return false;
}

bool parse_base_path(std::string_view path, std::string_view& out, std::string_view& why) noexcept {
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.ends_with('/') || path.find("//") != std::string_view::npos)
    return refuse(why, "the path holds an empty segment");
  out = path;
  return check_path(path, why);
}

// "/v1" of "/api/v1"; "" of "".
std::string_view last_segment(std::string_view path) noexcept {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(slash);
}

char* append(char* out, std::string_view text) noexcept {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

}  // namespace

bool parse_base_url(std::string_view text, BaseUrl& out, std::string_view& why) noexcept {
  constexpr std::string_view kHttp = "http://", kHttps = "https://";
  out = {};
  std::string_view rest;
  if (equals_ignoring_case(text.substr(0, kHttps.size()), kHttps)) {
    out.tls = true;
    rest = text.substr(kHttps.size());
  } else if (equals_ignoring_case(text.substr(0, kHttp.size()), kHttp)) {
    rest = text.substr(kHttp.size());
  } else {
    return refuse(why, "the URL begins neither with https:// nor with http://");
  }
  if (rest.find('?') != std::string_view::npos) return refuse(why, "the URL holds a query");
  if (rest.find('#') != std::string_view::npos) return refuse(why, "the URL holds a fragment");
  if (find_target_end(rest, 0) != rest.size())
    return refuse(why, "the URL holds a space, a control, a backslash or a byte that is not ASCII");
  const std::size_t slash = rest.find('/');
  out.authority = rest.substr(0, slash);
  if (out.authority.find('@') != std::string_view::npos)
    return refuse(why, "the URL holds a user name");
  Authority parts;
  if (!parse_authority(out.authority, parts))
    return refuse(why, "the host or port of the URL is invalid");
  // What a library might take for an address, or nobody can look up: "127.1", "0xa9fea9fe".
  if (!parse_ip(parts.host) && !HostName::parse(parts.host))
    return refuse(why, "the host of the URL is neither an address nor a name");
  const std::uint16_t own_port = out.tls ? 443 : 80;
  out.host = parts.host;
  out.port = parts.port == 0 ? own_port : parts.port;
  if (parts.port == own_port) out.authority = out.authority.substr(0, out.authority.rfind(':'));
  if (slash == std::string_view::npos) return true;
  return parse_base_path(rest.substr(slash), out.base_path, why);
}

std::size_t write_target(char* out, std::string_view base_path, std::string_view path,
                         bool has_query, std::string_view query) noexcept {
  const std::string_view last = last_segment(base_path);
  const bool shared = !last.empty() && path.starts_with(last) &&
                      (path.size() == last.size() || path[last.size()] == '/');
  if (shared) base_path.remove_suffix(last.size());
  char* end = append(out, base_path);
  end = append(end, path);
  if (has_query) {
    *end++ = '?';
    end = append(end, query);
  }
  return static_cast<std::size_t>(end - out);
}

}  // namespace sluice
