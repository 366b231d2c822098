#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>

#include "engine/io/recv_stream.h"
#include "engine/io/uring_kernel.h"
#include "engine/task/task.h"
#include "tests/unit/tcp_pair.h"

namespace sluice {

// Every test runs on the best features of this kernel and on those of older ones.
struct Variant {
  const char* name;
  UringKernel::Options options;
};

inline UringKernel::Options older_kernel() {
  UringKernel::Options options;
  options.ring.allow_no_sq_array = false;
  options.buffers.allow_incremental = false;
  options.allow_vectorized_send = false;
  options.allow_gathering = false;
  return options;
}

class Uring : public ::testing::TestWithParam<Variant> {
 protected:
  void SetUp() override { ASSERT_EQ(kernel_.open(GetParam().options), 0); }

  // Turns until `task` is done; fails after a minute.
  template <class T>
  void finish(Reactor& reactor, const Task<T>& task) {
    const Instant limit = clock_.now() + 60s;
    while (!task.done()) {
      ASSERT_LT(clock_.now(), limit) << "still waiting after a minute";
      reactor.turn(limit);
    }
  }

  SystemClock clock_;
  UringKernel kernel_;
};

inline SocketAddress loopback() {
  SocketAddress address;
  auto* const in = reinterpret_cast<sockaddr_in*>(&address.storage);
  in->sin_family = AF_INET;
  in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.bytes = sizeof(sockaddr_in);
  return address;
}

inline Task<std::string> read_all(Reactor&, RecvStream& stream) {
  std::string text;
  while (true) {
    Result<Slice> slice = co_await stream.next(Limits{});
    if (!slice || slice->empty()) break;
    text += slice->view();
  }
  co_await stream.stop();
  co_return text;
}
inline Task<void> stop_stream(Reactor&, RecvStream& stream) { co_await stream.stop(); }

inline const Variant kVariants[] = {{"best", {}}, {"older", older_kernel()}};
inline std::string variant_name(const ::testing::TestParamInfo<Variant>& info) {
  return info.param.name;
}

}  // namespace sluice
