#include "parser/form_model.h"

#include "parser/http1_common.h"
#include "parser/scan.h"

namespace sluice {
namespace {

constexpr std::size_t kBoundaryBytesMax = 70;  // RFC 2046 section 5.1.1

// The boundary parameter of a multipart/form-data content type; "" when it is none.
std::string_view boundary_of(std::string_view type) noexcept {
  constexpr std::string_view kForm = "multipart/form-data";
  if (type.size() < kForm.size() || !equals_ignoring_case(type.substr(0, kForm.size()), kForm))
    return {};
  constexpr std::string_view kName = "boundary=";
  for (std::size_t at = kForm.size(); at + kName.size() < type.size(); ++at) {
    if (type[at - 1] != ';' && type[at - 1] != ' ') continue;
    if (!equals_ignoring_case(type.substr(at, kName.size()), kName)) continue;
    std::string_view value = type.substr(at + kName.size());
    if (value.front() == '"') {
      value.remove_prefix(1);
      return value.substr(0, value.find('"'));
    }
    return value.substr(0, value.find_first_of("; \t"));
  }
  return {};
}

// One parameter of a Content-Disposition: `name="model"`, or without quotes, as some parsers take
// it too.
struct Parameter {
  std::string_view name;
  std::string_view value;
};

// The parameter at the beginning of `text`, which is cut off with the semicolon before the next.
Parameter next_parameter(std::string_view& text) noexcept {
  std::size_t end = 0;
  bool quoted = false;
  for (; end < text.size() && (quoted || text[end] != ';'); ++end) {
    if (text[end] == '"') quoted = !quoted;
    else if (quoted && text[end] == '\\') ++end;
  }
  std::string_view whole = text.substr(0, end);
  text = end < text.size() ? text.substr(end + 1) : std::string_view{};
  const std::size_t equals = whole.find('=');
  Parameter out{.name = trim_blanks(whole.substr(0, equals)), .value = {}};
  if (equals == std::string_view::npos) return out;
  out.value = trim_blanks(whole.substr(equals + 1));
  if (out.value.size() >= 2 && out.value.front() == '"' && out.value.back() == '"')
    out.value = out.value.substr(1, out.value.size() - 2);
  return out;
}

// Whether a part's head announces the field `model`, and no file.
bool is_model_part(std::string_view head) noexcept {
  constexpr std::string_view kDisposition = "content-disposition:";
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    std::string_view line = head.substr(0, end);
    head = end == std::string_view::npos ? std::string_view{} : head.substr(end + 2);
    if (line.size() < kDisposition.size()) continue;
    if (!equals_ignoring_case(line.substr(0, kDisposition.size()), kDisposition)) continue;
    line.remove_prefix(kDisposition.size());
    bool named = false;
    while (!line.empty()) {
      const Parameter parameter = next_parameter(line);
      if (equals_ignoring_case(parameter.name, "filename")) return false;
      if (equals_ignoring_case(parameter.name, "filename*")) return false;  // RFC 8187
      if (equals_ignoring_case(parameter.name, "name")) named = parameter.value == "model";
    }
    return named;
  }
  return false;
}

}  // namespace

std::string_view find_form_model(std::string_view body, std::string_view content_type) noexcept {
  const std::string_view boundary = boundary_of(content_type);
  if (boundary.empty() || boundary.size() > kBoundaryBytesMax) return {};
  char delimiter_bytes[kBoundaryBytesMax + 4] = {'\r', '\n', '-', '-'};
  boundary.copy(delimiter_bytes + 4, boundary.size());
  const std::string_view delimiter(delimiter_bytes, boundary.size() + 4);
  std::string_view found;
  // The first delimiter may stand at the very beginning, without a line end before it.
  if (!body.starts_with(delimiter.substr(2))) return {};
  body.remove_prefix(delimiter.size() - 2);
  while (body.starts_with("\r\n")) {
    body.remove_prefix(2);
    const std::size_t head_end = body.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return {};
    const std::size_t end = body.find(delimiter, head_end + 2);
    if (end == std::string_view::npos) return {};
    if (is_model_part(body.substr(0, head_end))) {
      const std::size_t value_at = head_end + 4;
      const std::string_view value =
          end < value_at ? std::string_view{} : body.substr(value_at, end - value_at);
      if (!found.empty() || value.size() > kFormModelBytesMax) return {};
      found = value;
    }
    body.remove_prefix(end + delimiter.size());
  }
  return found;
}

}  // namespace sluice
