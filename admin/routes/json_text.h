#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// NanoDollars - an amount that is written exactly: 1 as 0.000000001.
struct NanoDollars {
  std::uint64_t amount = 0;
};
[[nodiscard]] std::string dollars_text(NanoDollars amount);

// JsonText - writes a JSON document from left to right, for answers of many rows and numbers that
// no double holds.
//
// Owns      the text.
class JsonText {
 public:
  JsonText& begin(char bracket);  // '{' or '['
  JsonText& end(char bracket);
  JsonText& name(std::string_view name);  // of the member whose value is next

  // A text that is no UTF-8 has U+FFFD where it is not.
  JsonText& value(std::string_view text);
  JsonText& value(const char* text) { return value(std::string_view(text)); }
  template <std::unsigned_integral T>
  JsonText& value(T it) {
    if constexpr (std::same_as<T, bool>) return raw(it ? "true" : "false");
    return number(it);
  }
  JsonText& value(double number);  // finite
  JsonText& value(NanoDollars amount);
  JsonText& value(std::nullptr_t);
  template <class T>
  JsonText& value(const std::optional<T>& it) {
    return it ? value(*it) : value(nullptr);
  }
  template <class T>
  JsonText& member(std::string_view member_name, const T& it) {
    return name(member_name).value(it);
  }

  [[nodiscard]] std::string take() { return std::move(text_ += '\n'); }

 private:
  JsonText& raw(std::string_view text);
  JsonText& number(std::uint64_t number);

  std::string text_;
  bool first_ = true;  // of what is open: no comma before it
};

}  // namespace sluice
