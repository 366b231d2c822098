#include "base/error.h"

#include <cerrno>

namespace sluice {

std::string_view errc_text(Errc code) noexcept {
  switch (code) {
    case Errc::kOk: return "no error";
    case Errc::kCancelled: return "cancelled";
    case Errc::kDrained: return "cut off by the end of the drain period";
    case Errc::kTimedOut: return "timed out";
    case Errc::kEndOfStream: return "connection closed too early";
    case Errc::kConnectionReset: return "connection reset";
    case Errc::kUnreachable: return "its address is one that may not be reached";
    case Errc::kConnectFailed: return "connection could not be opened";
    case Errc::kNameNotFound: return "name has no address";
    case Errc::kNameLookupFailed: return "name lookup failed";
    case Errc::kTlsHandshakeFailed: return "TLS handshake failed";
    case Errc::kTlsUntrusted: return "TLS certificate not trusted";
    case Errc::kTlsBroken: return "TLS stream broken";
    case Errc::kMalformed: return "malformed message";
    case Errc::kTooLarge: return "limit exceeded";
    case Errc::kUnsupported: return "not supported";
    case Errc::kNoBuffers: return "out of buffers";
    case Errc::kOs: return "system error";
  }
  return "unknown error";
}

std::string_view side_text(Side side) noexcept {
  switch (side) {
    case Side::kOurs: return "gateway";
    case Side::kDownstream: return "downstream";
    case Side::kUpstream: return "upstream";
  }
  return "unknown";
}

Error error_from_errno(int os_errno, Side side) noexcept {
  Errc code = Errc::kOs;
  switch (os_errno) {
    case ECANCELED: code = Errc::kCancelled; break;
    case ETIMEDOUT: code = Errc::kTimedOut; break;
    case ECONNRESET:
    case EPIPE: code = Errc::kConnectionReset; break;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH: code = Errc::kConnectFailed; break;
    case ENOBUFS:
    case ENOMEM: code = Errc::kNoBuffers; break;
    default: break;
  }
  return Error{.code = code, .side = side, .retry = Retry::kUnsafe, .os_errno = os_errno};
}

}  // namespace sluice
