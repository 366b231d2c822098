#include "tls/server_names.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace sluice {
namespace {

constexpr std::size_t kNameBytesMax = 255;  // RFC 1035, 2.3.4

}  // namespace

ServerNames::~ServerNames() {
  for (SSL_CTX* const context : contexts_) SSL_CTX_free(context);
}

void ServerNames::add(SSL_CTX* context, ServedCertificate certificate) {
  for (const std::string& name : certificate.names) entries_.push_back({name, contexts_.size()});
  contexts_.push_back(context);
  certificates_.push_back(std::move(certificate));
}

void ServerNames::sort() {
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.name, a.index) < std::tie(b.name, b.index);
  });
}

std::size_t ServerNames::find_entry(std::string_view name) const {
  const auto at = std::lower_bound(
      entries_.begin(), entries_.end(), name,
      [](const Entry& entry, std::string_view wanted) { return entry.name < wanted; });
  return at != entries_.end() && at->name == name ? at->index : kNone;
}

std::size_t ServerNames::find(std::string_view name) const {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  if (name.empty() || name.size() > kNameBytesMax) return 0;
  std::array<char, kNameBytesMax> lower;
  std::transform(name.begin(), name.end(), lower.begin(), [](char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte;
  });
  const std::string_view wanted(lower.data(), name.size());
  if (wanted.front() == '*') return 0;  // not a host, so no one's name
  if (const std::size_t exact = find_entry(wanted); exact != kNone) return exact;
  const std::size_t dot = wanted.find('.');
  if (dot == std::string_view::npos || dot == 0) return 0;
  lower[dot - 1] = '*';
  const std::size_t wildcard = find_entry(wanted.substr(dot - 1));
  return wildcard != kNone ? wildcard : 0;
}

}  // namespace sluice
