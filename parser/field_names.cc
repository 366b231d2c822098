#include <array>
#include <cstdint>
#include <cstring>

#include "parser/http1_common.h"
#include "parser/scan.h"

namespace sluice {
namespace {

struct KnownName {
  std::string_view name;  // lower case; letters, digits and '-' only: see same_name()
  FieldId id;
};

constexpr KnownName kKnownNames[] = {
    {"te", FieldId::kTe},
    {"via", FieldId::kVia},
    {"host", FieldId::kHost},
    {"date", FieldId::kDate},
    {"allow", FieldId::kAllow},
    {"accept", FieldId::kAccept},
    {"cookie", FieldId::kCookie},
    {"expect", FieldId::kExpect},
    {"server", FieldId::kServer},
    {"api-key", FieldId::kApiKey},
    {"trailer", FieldId::kTrailer},
    {"upgrade", FieldId::kUpgrade},
    {"forwarded", FieldId::kForwarded},
    {"x-api-key", FieldId::kXApiKey},
    {"x-real-ip", FieldId::kXRealIp},
    {"connection", FieldId::kConnection},
    {"keep-alive", FieldId::kKeepAlive},
    {"request-id", FieldId::kRequestId},
    {"set-cookie", FieldId::kSetCookie},
    {"tracestate", FieldId::kTracestate},
    {"user-agent", FieldId::kUserAgent},
    {"x-priority", FieldId::kXPriority},
    {"retry-after", FieldId::kRetryAfter},
    {"traceparent", FieldId::kTraceparent},
    {"content-type", FieldId::kContentType},
    {"x-request-id", FieldId::kXRequestId},
    {"authorization", FieldId::kAuthorization},
    {"cache-control", FieldId::kCacheControl},
    {"content-length", FieldId::kContentLength},
    {"retry-after-ms", FieldId::kRetryAfterMs},
    {"x-should-retry", FieldId::kXShouldRetry},
    {"accept-encoding", FieldId::kAcceptEncoding},
    {"idempotency-key", FieldId::kIdempotencyKey},
    {"content-encoding", FieldId::kContentEncoding},
    {"proxy-connection", FieldId::kProxyConnection},
    {"www-authenticate", FieldId::kWwwAuthenticate},
    {"anthropic-version", FieldId::kAnthropicVersion},
    {"transfer-encoding", FieldId::kTransferEncoding},
    {"x-accel-buffering", FieldId::kXAccelBuffering},
    {"x-upstream-request-id", FieldId::kXUpstreamRequestId},
};
// A perfect hash over length, first and last byte, so that a name is compared with one known name
// at most. The factors are the first ones without a collision; the assertion below says when a new
// name needs others.
constexpr std::size_t kSlots = 128;
constexpr std::size_t slot_of(std::string_view name) noexcept {
  const auto first = static_cast<std::size_t>(name.data()[0] | 0x20);
  const auto last = static_cast<std::size_t>(name.data()[name.size() - 1] | 0x20);
  return (2 * name.size() + 51 * first + last) % kSlots;
}

constexpr std::uint8_t kNoName = 0xff;
constexpr auto kNameInSlot = [] {
  std::array<std::uint8_t, kSlots> slots{};
  slots.fill(kNoName);
  for (std::uint8_t i = 0; i < std::size(kKnownNames); ++i) slots[slot_of(kKnownNames[i].name)] = i;
  return slots;
}();
static_assert([] {
  for (std::uint8_t i = 0; i < std::size(kKnownNames); ++i)
    if (kNameInSlot[slot_of(kKnownNames[i].name)] != i) return false;
  return true;
}());

template <class Word>
bool same_word(const char* token, const char* known) noexcept {
  constexpr auto kFold = static_cast<Word>(0x2020202020202020ULL);
  Word a, b;
  std::memcpy(&a, token, sizeof a);
  std::memcpy(&b, known, sizeof b);
  return static_cast<Word>(a | kFold) == b;
}

// `token` and `known` (same length) are the same name. Or-ing 0x20 folds upper case and nothing
// else onto a known name: letters map to letters, and what maps to a digit or '-' is no token byte.
bool same_name(const char* token, const char* known, std::size_t bytes) noexcept {
  if (bytes >= 8) {
    for (std::size_t i = 0; i + 8 < bytes; i += 8)
      if (!same_word<std::uint64_t>(token + i, known + i)) return false;
    return same_word<std::uint64_t>(token + bytes - 8, known + bytes - 8);
  }
  if (bytes >= 4)
    return same_word<std::uint32_t>(token, known) &&
           same_word<std::uint32_t>(token + bytes - 4, known + bytes - 4);
  for (std::size_t i = 0; i < bytes; ++i)
    if (!same_word<std::uint8_t>(token + i, known + i)) return false;
  return true;
}

bool begins_with(std::string_view name, std::string_view known) noexcept {
  return name.size() > known.size() && same_name(name.data(), known.data(), known.size());
}

// The third byte tells which prefix is worth a comparison: most names that begin with x- are
// others.
FieldId id_by_prefix(std::string_view name) noexcept {
  constexpr std::size_t kShortestBytes = 7;  // "proxy-" and a byte
  if (name.size() < kShortestBytes) return FieldId::kOther;
  const char first = static_cast<char>(name[0] | 0x20);
  if (first == 'p') return begins_with(name, "proxy-") ? FieldId::kProxy : FieldId::kOther;
  if (first != 'x') return FieldId::kOther;
  switch (name[2] | 0x20) {
    case 'f': return begins_with(name, "x-forwarded-") ? FieldId::kXForwarded : FieldId::kOther;
    case 'r': return begins_with(name, "x-ratelimit-") ? FieldId::kRateLimit : FieldId::kOther;
    case 's': return begins_with(name, "x-sluice-") ? FieldId::kXSluice : FieldId::kOther;
    default: return FieldId::kOther;
  }
}

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

}  // namespace

FieldId field_id(std::string_view name) noexcept {
  if (name.empty()) return FieldId::kOther;
  if (const std::uint8_t index = kNameInSlot[slot_of(name)]; index != kNoName) {
    const KnownName& known = kKnownNames[index];
    if (known.name.size() == name.size() && same_name(name.data(), known.name.data(), name.size()))
      return known.id;
  }
  return id_by_prefix(name);
}

std::string_view field_name(FieldId id) noexcept {
  for (const KnownName& known : kKnownNames)
    if (known.id == id) return known.name;
  return {};
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

}  // namespace sluice
