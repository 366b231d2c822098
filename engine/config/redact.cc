#include "engine/config/redact.h"

namespace sluice {

std::string redacted(std::string_view secret) {
  if (secret.empty()) return {};
  constexpr std::size_t kLongBytesMin = 24;  // 14 characters stay hidden: more than 70 random bits
  if (secret.size() < kLongBytesMin) return std::string(secret.substr(0, 2)) + "****";
  return std::string(secret.substr(0, 6)) + "****" + std::string(secret.substr(secret.size() - 4));
}

std::string without_userinfo(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t end = url.find_first_of("/?#", begin);
  const std::size_t at = url.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < begin) return std::string(url);
  return std::string(url.substr(0, begin)) + "****" + std::string(url.substr(at));
}

}  // namespace sluice
