#include "admin/routes/json_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace sluice {

std::string dollars_text(NanoDollars amount) {
  constexpr std::uint64_t kNano = 1'000'000'000;
  std::string text = fmt::format("{}.{:09}", amount.amount / kNano, amount.amount % kNano);
  text.resize(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

JsonText& JsonText::begin(char bracket) {
  raw(std::string_view(&bracket, 1));
  first_ = true;
  return *this;
}

JsonText& JsonText::end(char bracket) {
  text_ += bracket;
  first_ = false;
  return *this;
}

JsonText& JsonText::name(std::string_view name) {
  value(name);
  text_ += ':';
  first_ = true;
  return *this;
}

JsonText& JsonText::value(std::string_view text) {
  return raw(nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}
JsonText& JsonText::number(std::uint64_t number) { return raw(fmt::format_int(number).c_str()); }
JsonText& JsonText::value(double number) { return raw(fmt::format("{}", number)); }
JsonText& JsonText::value(NanoDollars amount) { return raw(dollars_text(amount)); }
JsonText& JsonText::value(std::nullptr_t) { return raw("null"); }

JsonText& JsonText::raw(std::string_view text) {
  if (!first_) text_ += ',';
  first_ = false;
  text_ += text;
  return *this;
}

}  // namespace sluice
