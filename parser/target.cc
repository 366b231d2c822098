#include "parser/target.h"

#include <algorithm>

#include "parser/authority.h"
#include "parser/hex.h"

namespace sluice {
namespace {

bool refuse(Refusal& why, std::uint16_t status, std::string_view rule,
            std::string_view message) noexcept {
  why = {status, rule, message};
  return false;
}

std::size_t scheme_bytes(std::string_view text) noexcept {
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")})
    if (equals_ignoring_case(text.substr(0, scheme.size()), scheme)) return scheme.size();
  return 0;
}

// text = path [ "?" query ]
bool split_path(std::string_view text, Target& out, Refusal& why) noexcept {
  const std::size_t mark = text.find('?');
  out.path = text.substr(0, mark);
  out.has_query = mark != std::string_view::npos;
  if (out.has_query) out.query = text.substr(mark + 1);
  std::string_view message;
  return check_path(out.path, message) || refuse(why, 400, "S5", message);
}

bool split_absolute(Method method, std::string_view rest, Target& out, Refusal& why) noexcept {
  const std::size_t end = rest.find_first_of("/?");
  out.authority = rest.substr(0, end);
  Authority authority;
  if (!parse_authority(out.authority, authority))
    return refuse(why, 400, "S4", "the authority of the request target is invalid");
  if (!split_path(end == std::string_view::npos ? std::string_view{} : rest.substr(end), out, why))
    return false;
  // RFC 9112 section 3.2.4: OPTIONS without path and query asks about the server as a whole.
  const bool whole_server = method == Method::kOptions && !out.has_query;
  if (out.path.empty()) out.path = whole_server ? "*" : "/";
  return true;
}

}  // namespace

bool parse_target(Method method, std::string_view text, Target& out, Refusal& why) noexcept {
  out = {};
  if (method == Method::kConnect) return refuse(why, 405, "S4", "CONNECT is not supported");
  if (method == Method::kTrace) return refuse(why, 405, "F11", "TRACE is not supported");
  if (text.starts_with('/')) return split_path(text, out, why);
  if (text == "*") {
    if (method != Method::kOptions)
      return refuse(why, 400, "S4", "the request target '*' is for OPTIONS only");
    out.path = text;
    return true;
  }
  if (const std::size_t bytes = scheme_bytes(text); bytes != 0)
    return split_absolute(method, text.substr(bytes), out, why);
  if (Authority authority; parse_authority(text, authority) && authority.port != 0)
    return refuse(why, 405, "S4", "a request target in authority-form is for CONNECT only");
  return refuse(why, 400, "S4", "the request target is neither a path nor an http URL");
}

bool check_path(std::string_view path, std::string_view& why) noexcept {
  const auto harmless = [](char c) { return c != '.' && c != '%'; };
  if (std::all_of(path.begin(), path.end(), harmless)) return true;  // nearly every path
  why = {};
  // Ids of models, names of client keys and ids of requests hold slashes, SDKs and browsers encode
  // them, and no provider sees these paths.
  const bool is_ours = path.starts_with("/v1/models/") || path.starts_with("/api/admin/");
  std::size_t dots = 0;  // dots of the current segment, plain or encoded
  bool only_dots = true;
  for (std::size_t i = 0; i < path.size(); ++i) {
    int byte = static_cast<unsigned char>(path[i]);
    if (byte == '/') {
      if (only_dots && (dots == 1 || dots == 2)) break;
      dots = 0;
      only_dots = true;
      continue;
    }
    if (byte == '%') {
      byte = hex_pair(path, i + 1);
      i += 2;
      if (byte < 0) why = "the path holds a malformed percent escape";
      else if (byte == 0) why = "the path holds %00";
      else if (byte == '\\' || (byte == '/' && !is_ours)) why = "the path holds an encoded slash";
      if (!why.empty()) return false;
    }
    if (byte == '.') ++dots;
    else only_dots = false;
  }
  if (!only_dots || dots == 0 || dots > 2) return true;
  why = "the path holds a dot segment";
  return false;
}

}  // namespace sluice
