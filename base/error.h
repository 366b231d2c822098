#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

// What went wrong, in one word. Text for people is added once, where the error is logged or
// answered.
enum class Errc : std::uint16_t {
  kOk = 0,
  kCancelled,           // somebody asked: the exchange is being torn down
  kDrained,             // the shard is draining and the grace period is over
  kTimedOut,            // a deadline passed; which one is told by the current action
  kEndOfStream,         // the peer closed where more bytes were due
  kConnectionReset,     // the peer reset the connection
  kConnectFailed,       // no address accepted a connection
  kUnreachable,         // the host's addresses are none that may be connected to
  kNameNotFound,        // DNS: the name has no address
  kNameLookupFailed,    // DNS: no usable answer from the resolver
  kTlsHandshakeFailed,  // TLS: no common ground, or an alert from the peer
  kTlsUntrusted,        // TLS: the certificate does not verify for this host
  kTlsBroken,           // TLS: a record that does not decrypt, or a stream cut without close_notify
  kMalformed,           // bytes that are no valid message of their protocol
  kTooLarge,            // a named limit was exceeded
  kUnsupported,         // valid, but nothing we do
  kNoBuffers,           // a pool or a kernel resource is exhausted
  kOs,                  // any other system error: see os_errno
};

// Whose fault it is.
enum class Side : std::uint8_t { kOurs, kDownstream, kUpstream };

// Whether the same request may be sent to another account.
enum class Retry : std::uint8_t { kUnsafe, kSafe };

// Error - a fault as a value. 8 bytes, no string, cheap to return.
struct Error {
  Errc code = Errc::kOk;
  Side side = Side::kOurs;
  Retry retry = Retry::kUnsafe;
  std::int32_t os_errno = 0;

  friend bool operator==(const Error&, const Error&) = default;
};
static_assert(sizeof(Error) == 8);

// The code in lower-case words, for messages: "connection reset". Static storage.
[[nodiscard]] std::string_view errc_text(Errc code) noexcept;
// "downstream", "upstream", "gateway". Static storage.
[[nodiscard]] std::string_view side_text(Side side) noexcept;

// The Error for a system call that failed with errno `os_errno` (a positive number).
[[nodiscard]] Error error_from_errno(int os_errno, Side side) noexcept;

}  // namespace sluice
