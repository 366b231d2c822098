#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

using namespace std::chrono_literals;

// RawResponse - one answer, read by the letter of RFC 9112 without the gateway's own parsers, so
// that they are tested against something else.
struct RawResponse {
  int status = 0;
  std::string head;       // raw, with its blank line
  std::string raw_body;   // as it came, chunk heads included
  std::string body;       // without the chunks
  bool complete = false;  // the framing's end was seen

  // The value of the first field of that name, whatever its case; empty without one.
  [[nodiscard]] std::string field(std::string_view name) const;
  [[nodiscard]] int count_fields(std::string_view name) const;
};

// RawClient - a blocking TCP client for tests: sends any bytes, reads with a time limit.
//
// Owns      its socket.
// Affinity  one thread.
class RawClient {
 public:
  using Timeout = std::chrono::milliseconds;
  enum class State { kOpen, kEnded, kReset };  // what the last read has shown of the connection

  // Connected, or not: see open().
  explicit RawClient(std::uint16_t port, const char* address = "127.0.0.1");
  ~RawClient();
  RawClient(RawClient&& other) noexcept;
  RawClient& operator=(RawClient&&) = delete;

  [[nodiscard]] bool open() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] State state() const noexcept { return state_; }

  // All of `bytes`; false when the peer does not take them.
  bool send(std::string_view bytes);
  // What comes within `timeout`; empty after it and at the end.
  [[nodiscard]] std::string read_some(Timeout timeout = 60s);
  // Everything up to the end of the connection or the time limit.
  [[nodiscard]] std::string read_until_end(Timeout timeout = 60s);
  // The next answer; bytes behind it are kept for the next call. Answers with status 1xx are
  // answers of their own. Nothing when no whole head came.
  [[nodiscard]] std::optional<RawResponse> read_response(bool head_request = false,
                                                         Timeout timeout = 60s);
  // Waits for the end of the connection; false when bytes or the time limit come first.
  [[nodiscard]] bool wait_for_end(Timeout timeout = 60s);

  void shutdown_write();
  void close();
  void reset();  // RST

 private:
  using Clock = std::chrono::steady_clock;
  bool read_more(Clock::time_point deadline);
  bool read_chunked(RawResponse& response, Clock::time_point deadline);
  bool take_line(std::string& line, RawResponse& response, Clock::time_point deadline);
  bool take_bytes(std::size_t count, std::string& out, Clock::time_point deadline);

  int fd_ = -1;
  State state_ = State::kOpen;
  std::string pending_;
};

// A whole request: "POST /v1/chat/completions HTTP/1.1", Host, the key unless empty, further field
// lines (each ending in CRLF), Content-Length when there is a body or it is a POST.
[[nodiscard]] std::string request_text(std::string_view method, std::string_view target,
                                       std::string_view body = {}, std::string_view fields = {},
                                       std::string_view key = "sk-test-a");

}  // namespace sluice
