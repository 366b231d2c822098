#include "admin/admin_message.h"

#include <array>
#include <nlohmann/json.hpp>

#include "parser/http1_common.h"
#include "tls/digest.h"

namespace sluice {

std::string_view AdminRequest::field(std::string_view name) const noexcept {
  for (const Field& field : head.fields) {
    if (equals_ignoring_case(field.name, name)) return field.value;
  }
  return {};
}

std::string_view AdminRequest::param(std::string_view name) const noexcept {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return {};
}

AdminResponse admin_error(std::uint16_t status, std::string_view detail, std::string_view code) {
  nlohmann::json body = {{"detail", detail}};
  if (!code.empty()) body["code"] = code;
  return {.status = status,
          .body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"};
}

bool decode_percent(std::string_view text, bool plus, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus) c = ' ';
    if (c == '%') {
      std::array<char, 1> byte;
      if (i + 2 >= text.size() || !parse_hex(text.substr(i + 1, 2), byte)) return false;
      c = byte[0];
      i += 2;
    }
    if (c == '\0') return false;
    out += c;
  }
  return true;
}

}  // namespace sluice
