#include <algorithm>

#include "engine/config/scalar.h"
#include "parser/url.h"

namespace sluice {
namespace {

bool has_control(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string_view check_name(std::string_view text) {
  constexpr std::size_t kNameBytesMax = 64;
  if (text.empty()) return "is empty";
  if (text.size() > kNameBytesMax) return "is longer than 64 characters";
  const bool fine = std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '@' || c == ':' || c == '/';
  });
  return fine ? std::string_view() : "has a character that a name cannot have";
}

// A client key is reached by its name in a path, in which these would stand for something else.
std::string_view check_client_name(std::string_view text) {
  return text == "." || text == ".." ? "is a segment of paths, not a name" : check_name(text);
}

std::string_view check_optional_model(std::string_view text) {
  constexpr std::size_t kModelBytesMax = 256;
  if (text.size() > kModelBytesMax) return "is longer than 256 bytes";
  if (has_control(text)) return "has a control character";
  return {};
}

std::string_view check_model(std::string_view text) {
  return text.empty() ? "is empty" : check_optional_model(text);
}

std::string_view check_path(std::string_view text) {
  if (text.empty()) return "is empty";
  return has_control(text) ? "has a control character" : std::string_view();
}

std::string_view check_optional_path(std::string_view text) {
  return text.empty() ? std::string_view() : check_path(text);
}

std::string_view check_note(std::string_view text) {
  constexpr std::size_t kNoteBytesMax = 1000;            // a paragraph
  static constexpr std::string_view kBlanks = "\n\r\t";  // as people paste them
  if (text.size() > kNoteBytesMax) return "is longer than 1000 bytes";
  const bool broken = std::ranges::any_of(
      text, [](char c) { return !kBlanks.contains(c) && has_control(std::string_view(&c, 1)); });
  return broken ? "has a control character" : std::string_view();
}

std::string_view check_key(std::string_view text) {
  constexpr std::size_t kKeyBytesMax = 4096;  // a quarter of the field that carries it
  if (text.size() > kKeyBytesMax) return "is longer than 4096 characters";
  const bool fine = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
  return fine ? std::string_view() : "has a character that a header field cannot carry";
}

std::string_view check_base_url(std::string_view text) {
  BaseUrl url;
  std::string_view why;
  return parse_base_url(text, url, why) ? std::string_view() : why;
}

}  // namespace

const TextRule kNameRule{check_name, "1 to 64 letters, digits and . _ - @ : /", false};
const TextRule kClientNameRule{
    check_client_name, "1 to 64 letters, digits and . _ - @ : /, but not . or .. alone", false};
const TextRule kModelRule{check_model, "a model's name", false};
const TextRule kOptionalModelRule{check_optional_model, "a model's name, or nothing", false};
const TextRule kBaseUrlRule{check_base_url, "a URL like https://api.example.com/v1", false};
const TextRule kPathRule{check_path, "the name of a file", true};
const TextRule kOptionalPathRule{check_optional_path, "the name of a file, or nothing", true};
const TextRule kNoteRule{check_note, "a text of up to 1000 bytes, or nothing", false};
const TextRule kKeyRule{check_key, "a key of up to 4096 visible ASCII characters", false};

}  // namespace sluice
