#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/net/stream.h"
#include "tests/unit/net/wire.h"
#include "tests/unit/shard_fixture.h"

namespace sluice {

// The words of a reading: its bytes, "(end)", or the error in brackets.
inline std::string text_of(const Result<Slice>& read) {
  if (!read) return "(" + std::string(errc_text(read.error().code)) + ")";
  return read->empty() ? "(end)" : std::string(read->view());
}
// "ok", or the error in words.
inline std::string text_of(const Result<void>& done) {
  return done ? "ok" : std::string(errc_text(done.error().code));
}
inline std::string text_of(Outbox& outbox) {
  std::string text;
  for (const iovec& piece : outbox.pieces())
    text.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  return text;
}

// Text in which no two places look alike.
inline std::string long_text(std::size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) text += std::to_string(i) + ",";
  text.resize(bytes);
  return text;
}

// Equal, or where they differ: two long texts would fill the screen.
inline ::testing::AssertionResult same(std::string_view got, std::string_view wanted) {
  if (got == wanted) return ::testing::AssertionSuccess();
  const auto at = std::mismatch(got.begin(), got.end(), wanted.begin(), wanted.end()).first;
  return ::testing::AssertionFailure() << got.size() << " bytes instead of " << wanted.size()
                                       << ", different from byte " << at - got.begin() << " on";
}

// StreamTest - a client's connection and the client's end of it. Every slice of the ring is a
// buffer of its own, as on kernels before 6.12, so that a slice that is held shows. At the end of
// each test all memory must be back.
class StreamTest : public ShardTest {
 protected:
  explicit StreamTest(std::uint32_t slice_bytes = 4096) {
    kernel_options_ = plain_buffers(slice_bytes);
  }
  void SetUp() override {
    ShardTest::SetUp();
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    const int small = 4096;  // a slow reader shows after some KiB
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    fd_ = fds[0];
    stream_.emplace(*shard_, fd_, Side::kDownstream, RecvMode::kSingle);
    wire_.emplace(fds[1]);
  }
  void TearDown() override {
    outbox_.clear();
    wire_->close();
    finished(close_stream(*shard_, *stream_));
    EXPECT_EQ(shard_->blocks().bytes_in_use(), 0u);
    EXPECT_EQ(buffers_held(), 0u);
  }

  static UringKernel::Options plain_buffers(std::uint32_t slice_bytes) {
    UringKernel::Options options;
    options.buffers.allow_incremental = false;
    options.buffers.plain_buffer_bytes = slice_bytes;
    return options;
  }
  [[nodiscard]] std::size_t buffers_held() const {
    return kernel_.buffers_total() - kernel_.buffers_free();
  }
  std::string read(Limits limits = {}) {
    return text_of(finished(read_some(*shard_, *stream_, limits)));
  }
  Task<Result<void>> write(WriteLimits limits = {}) {
    return write_all(*shard_, *stream_, outbox_, limits);
  }
  // Takes all that comes until `task` is done, and what lies there then.
  template <class T>
  std::string take_until_done(const Task<T>& task) {
    std::string text;
    for (int turns = 0; !task.done() && turns < 10000; ++turns) {
      text += wire_->take();
      shard_->turn(shard_->now());
    }
    EXPECT_TRUE(task.done());
    return text + wire_->take();
  }

  int fd_ = -1;
  std::optional<Stream> stream_;
  std::optional<Wire> wire_;
  BlockPool outbox_pool_;
  Outbox outbox_{outbox_pool_};
};

}  // namespace sluice
