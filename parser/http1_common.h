#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace sluice {

// Refusal - why a message is refused: the status to answer, the rule (an id of HTTP_RULES, "F1")
// and a sentence for people. All texts are static and hold nothing of the message.
struct Refusal {
  std::uint16_t status = 0;
  std::string_view rule;
  std::string_view message;
};

enum class Method : std::uint8_t {
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kConnect,
  kOptions,
  kTrace,
  kPatch,
  kOther,
};

// The fields that somebody in the gateway reads, adds or takes out. Names ending in '*' stand for
// every field whose name begins so.
enum class FieldId : std::uint8_t {
  kOther,
  kHost,
  kContentLength,
  kTransferEncoding,
  kConnection,
  kKeepAlive,
  kProxyConnection,
  kTe,
  kTrailer,
  kUpgrade,
  kExpect,
  kAuthorization,
  kXApiKey,
  kApiKey,
  kCookie,
  kProxy,  // proxy-*
  kForwarded,
  kXForwarded,  // x-forwarded-*
  kXRealIp,
  kXPriority,
  kXRequestId,
  kTraceparent,
  kTracestate,
  kIdempotencyKey,
  kVia,
  kAccept,
  kAcceptEncoding,
  kContentType,
  kContentEncoding,
  kCacheControl,
  kRetryAfter,
  kRetryAfterMs,
  kXShouldRetry,
  kRateLimit,  // x-ratelimit-*
  kXSluice,    // x-sluice-*
  kXUpstreamRequestId,
  kXAccelBuffering,
  kRequestId,
  kSetCookie,
  kDate,
  kServer,
  kUserAgent,
  kWwwAuthenticate,
  kAllow,
  kAnthropicVersion,
};

// Field - one field line. Views into the head.
struct Field {
  std::string_view name;
  std::string_view value;  // without the white space around it
  FieldId id = FieldId::kOther;
  bool drop = false;  // hop-by-hop: by its name or because Connection names it (F9)
};
static_assert(std::is_trivially_copyable_v<Field>);

inline constexpr std::size_t kFieldsMax = 100;  // F6

// FieldList - the field lines of one head in their order (F7).
//
// Owns      nothing: the fields lie with whoever gave the room for them, their texts in the head's
//           bytes. A copy refers to the same fields.
struct FieldList {
  Field* items = nullptr;  // room for kFieldsMax where a parser is to write
  std::uint32_t count = 0;

  [[nodiscard]] Field* begin() noexcept { return items; }
  [[nodiscard]] Field* end() noexcept { return items + count; }
  [[nodiscard]] const Field* begin() const noexcept { return items; }
  [[nodiscard]] const Field* end() const noexcept { return items + count; }

  // The first field of that id, or null.
  [[nodiscard]] const Field* find(FieldId id) const noexcept {
    for (const Field& field : *this)
      if (field.id == id) return &field;
    return nullptr;
  }
};

// FieldSpace - room for the fields of any head: 4 KiB, of which only the used ones are touched.
struct FieldSpace {
  union {
    Field items[kFieldsMax];
  };
  FieldSpace() noexcept {}
};

// WithFields - a head, or a list of fields, that brings the room for its own.
//
// Owns      the fields.
template <class Base>
struct WithFields : Base {
  WithFields() noexcept { own().items = space_.items; }
  WithFields(const WithFields& other) noexcept : Base(other) { take(other); }
  WithFields& operator=(const WithFields& other) noexcept {
    if (this == &other) return *this;
    Base::operator=(other);
    take(other);
    return *this;
  }

 private:
  [[nodiscard]] FieldList& own() noexcept {
    if constexpr (std::is_same_v<Base, FieldList>) return *this;
    else return this->fields;
  }
  void take(const WithFields& other) noexcept {
    own().items = space_.items;
    std::memcpy(static_cast<void*>(space_.items), other.space_.items, own().count * sizeof(Field));
  }

  FieldSpace space_;
};

// How the length of a body is known (RFC 9112 section 6).
enum class BodyFraming : std::uint8_t { kNone, kLength, kChunked, kUntilClose };

enum class HeadState : std::uint8_t { kIncomplete, kComplete, kRefused };

// Limits of one head (S2, F6). The sum of line and head must stay below 64 KiB.
struct HeadLimits {
  std::uint32_t line_bytes_max = 8192;    // request or status line, without its CRLF
  std::uint32_t head_bytes_max = 32768;   // all field lines with their CRLFs
  std::uint32_t fields_max = kFieldsMax;  // at most kFieldsMax
  std::uint32_t field_bytes_max = 16384;  // one field line, without its CRLF
};

// The id of a field name, whatever its case. `name` must be a token (F4).
[[nodiscard]] FieldId field_id(std::string_view name) noexcept;

// The name of an id in lower case; "" for kOther and the ids that stand for many names.
[[nodiscard]] std::string_view field_name(FieldId id) noexcept;

// F9: meant for one connection only, never forwarded, in either direction.
[[nodiscard]] constexpr bool is_hop_by_hop(FieldId id) noexcept {
  return id == FieldId::kConnection || id == FieldId::kKeepAlive ||
         id == FieldId::kProxyConnection || id == FieldId::kTe || id == FieldId::kTrailer ||
         id == FieldId::kTransferEncoding || id == FieldId::kUpgrade;
}

// F8: says who the client is or what it may do here; never forwarded to a provider.
[[nodiscard]] constexpr bool is_client_private(FieldId id) noexcept {
  return id == FieldId::kAuthorization || id == FieldId::kXApiKey || id == FieldId::kApiKey ||
         id == FieldId::kCookie || id == FieldId::kProxy || id == FieldId::kProxyConnection ||
         id == FieldId::kForwarded || id == FieldId::kXForwarded || id == FieldId::kXRealIp ||
         id == FieldId::kXPriority;
}

// ASCII only, as all protocol elements are.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

// F10: whether one of the Via fields names `pseudonym` as a proxy that the message has passed
// (RFC 9110 section 7.6.3). Comments do not count.
[[nodiscard]] bool via_names(const FieldList& fields, std::string_view pseudonym) noexcept;

}  // namespace sluice
