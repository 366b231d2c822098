#include "parser/http1_common.h"
#include "parser/scan.h"

namespace sluice {
namespace {

// The end of the list element that begins `list`: the first comma outside a comment. Comments nest
// and a backslash in them takes the next byte literally (RFC 9110 section 5.6.5).
std::size_t element_end(std::string_view list) noexcept {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const char c = list[i];
    if (c == '(') ++depth;
    else if (depth == 0 && c == ',') return i;
    else if (depth > 0 && c == ')') --depth;
    else if (depth > 0 && c == '\\') ++i;
  }
  return list.size();
}

// received-protocol RWS received-by [ RWS comment ]
bool element_names(std::string_view element, std::string_view pseudonym) noexcept {
  constexpr std::string_view kBlanks = " \t";
  element = trim_blanks(element);
  const std::size_t protocol_end = element.find_first_of(kBlanks);
  if (protocol_end == std::string_view::npos) return false;
  const std::string_view by = trim_blanks(element.substr(protocol_end));
  return equals_ignoring_case(by.substr(0, by.find_first_of(" \t(")), pseudonym);
}

}  // namespace

bool via_names(const FieldList& fields, std::string_view pseudonym) noexcept {
  for (const Field& field : fields) {
    if (field.id != FieldId::kVia) continue;
    std::string_view list = field.value;
    while (!list.empty()) {
      const std::size_t end = element_end(list);
      if (element_names(list.substr(0, end), pseudonym)) return true;
      list.remove_prefix(end < list.size() ? end + 1 : end);
    }
  }
  return false;
}

}  // namespace sluice
