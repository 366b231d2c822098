#include "admin/sidecar_document.h"

#include <cstring>
#include <utility>

#include "store/codec.h"
#include "store/key_bytes.h"

namespace sluice {
namespace {

constexpr std::size_t kLengthBytes = 8;

}  // namespace

Secret encode_sidecar(SidecarV2 data, std::string digest) {
  SidecarDocument document{.digest = std::move(digest),
                           .accounts = std::move(data.accounts),
                           .key_bytes = {},
                           .usage = std::move(data.usage),
                           .days = std::move(data.days),
                           .cooldowns = std::move(data.cooldowns),
                           .settings = std::move(data.settings)};
  std::size_t keys = 0;
  for (const ImportedAccount& account : document.accounts) {
    document.key_bytes.push_back(account.api_key.reveal().size());
    keys += account.api_key.reveal().size();
  }
  std::string bytes;
  encode_row(document, bytes);
  KeyBytes length;
  length.u64(bytes.size());
  return Secret::written(kLengthBytes + bytes.size() + keys, [&](std::span<char> out) {
    const auto add = [&out](std::string_view piece) {
      if (!piece.empty()) std::memcpy(out.data(), piece.data(), piece.size());
      out = out.subspan(piece.size());
    };
    add(length.view());
    add(bytes);
    for (const ImportedAccount& account : document.accounts) add(account.api_key.reveal());
  });
}

std::optional<SidecarDocument> decode_sidecar(const Secret& bytes) {
  std::string_view rest = bytes.reveal();
  if (rest.size() < kLengthBytes) return std::nullopt;
  const std::uint64_t length = KeyReader(rest.substr(0, kLengthBytes)).u64();
  rest.remove_prefix(kLengthBytes);
  if (length > rest.size()) return std::nullopt;
  auto document = decode_row<SidecarDocument>(rest.substr(0, length));
  if (!document || document->key_bytes.size() != document->accounts.size()) return std::nullopt;
  rest.remove_prefix(length);
  for (std::size_t i = 0; i < document->accounts.size(); ++i) {
    const std::uint64_t size = document->key_bytes[i];
    if (size > rest.size()) return std::nullopt;
    document->accounts[i].api_key = Secret(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  if (!rest.empty()) return std::nullopt;
  return std::move(*document);
}

}  // namespace sluice
