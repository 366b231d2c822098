#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "engine/net/connect_race.h"
#include "tests/unit/net/listener.h"
#include "tests/unit/net/net_fixture.h"

namespace sluice {
namespace {

int open_descriptors() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

class ConnectorTest : public NetTest {
 protected:
  Result<int> connect(std::string_view host, std::uint16_t port, Limits limits = {},
                      Reach reach = Reach::kAny) {
    Task<Result<int>> task = connect_tcp(*reactor_, resolver_, host, port, limits, reach);
    finish(task);
    return task.take();
  }
};

std::string peer_of(int fd) {
  SocketAddress address;
  address.bytes = sizeof(address.storage);
  getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.bytes);
  return address_text(address);
}

TEST_F(ConnectorTest, ConnectsToANumberAndToAName) {
  Listener listener(kernel_);
  server_.set("local.example", {.a = {"127.0.0.1"}});
  for (const char* host : {"127.0.0.1", "localhost", "local.example"}) {
    const Result<int> fd = connect(host, listener.port());
    ASSERT_TRUE(fd) << host;
    EXPECT_EQ(peer_of(*fd), "127.0.0.1:" + std::to_string(listener.port())) << host;
    kernel_.close_socket(*fd);
  }
}

// What a name stands for is looked at after it was resolved: nobody gets past it by another name.
TEST_F(ConnectorTest, TriesNoAddressThatMayNotBeReached) {
  Listener listener(kernel_);
  server_.set("local.example", {.a = {"127.0.0.1"}});
  server_.set("metadata.example", {.a = {"169.254.169.254"}, .aaaa = {"fd00:ec2::254"}});
  for (const char* host : {"local.example", "127.0.0.1", "localhost"}) {
    const Result<int> fd = connect(host, listener.port(), {}, Reach::kPublic);
    ASSERT_FALSE(fd) << host;
    EXPECT_EQ(fd.error().code, Errc::kUnreachable) << host;
    EXPECT_EQ(fd.error().retry, Retry::kSafe) << host;
  }
  const Result<int> fd = connect("metadata.example", 80);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code, Errc::kUnreachable);
  server_.set("public.example", {.a = {"8.8.8.8"}});
  const Result<int> in_clear = connect("public.example", 80, {}, Reach::kPrivate);
  ASSERT_FALSE(in_clear);
  EXPECT_EQ(in_clear.error().code, Errc::kUnreachable);
  const Result<int> here = connect("local.example", listener.port(), {}, Reach::kPrivate);
  ASSERT_TRUE(here);
  kernel_.close_socket(*here);
}

TEST_F(ConnectorTest, GoesOnToTheNextAddressAtOnceWhenOneRefuses) {
  Listener listener(kernel_);
  // Nobody listens on ::1 and 127.0.0.2, and both say so.
  server_.set("partly.example", {.a = {"127.0.0.2", "127.0.0.1"}, .aaaa = {"::1"}});
  const int before = open_descriptors();
  // The quickest of a few: a busy machine may hold one up, who waits for the stagger is late each
  // time.
  Duration quickest = Duration::max();
  for (int i = 0; i < 5; ++i) {
    const Instant start = clock_.now();
    const Result<int> fd = connect("partly.example", listener.port());
    ASSERT_TRUE(fd);
    quickest = std::min(quickest, clock_.now() - start);
    EXPECT_EQ(peer_of(*fd), "127.0.0.1:" + std::to_string(listener.port()));
    kernel_.close_socket(*fd);
  }
  EXPECT_LT(quickest, ConnectRace::kStagger);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ConnectorTest, RefusedByAllIsAnErrorThatMayBeRetried) {
  const std::uint16_t port = [this] { return Listener(kernel_).port(); }();
  const Result<int> fd = connect("localhost", port);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code, Errc::kConnectFailed);
  EXPECT_EQ(fd.error().side, Side::kUpstream);
  EXPECT_EQ(fd.error().retry, Retry::kSafe);
  EXPECT_NE(fd.error().os_errno, 0);
}

// A listener whose queue is full drops SYNs, as a host behind a black hole does.
class BlackHole {
 public:
  explicit BlackHole(UringKernel& kernel) : listener_(kernel, 0) {
    const SocketAddress address = socket_address(*parse_ip("127.0.0.1"), listener_.port());
    for (int& fd : fds_) {
      fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      static_cast<void>(
          ::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.bytes));
    }
  }
  ~BlackHole() {
    for (const int fd : fds_) close(fd);
  }
  BlackHole(const BlackHole&) = delete;
  BlackHole& operator=(const BlackHole&) = delete;
  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

 private:
  Listener listener_;
  int fds_[4];
};

TEST_F(ConnectorTest, StopsAtTheDeadlineAndClosesItsSockets) {
  BlackHole hole(kernel_);
  const int before = open_descriptors();
  const Result<int> fd = connect("127.0.0.1", hole.port(), Limits{.deadline = clock_.now() + 30ms});
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error(), (Error{Errc::kTimedOut, Side::kUpstream, Retry::kSafe, 0}));
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ConnectorTest, StopsWhenItIsCalledOff) {
  BlackHole hole(kernel_);
  const int before = open_descriptors();
  CancelSource cancel;
  Task<Result<int>> task =
      connect_tcp(*reactor_, resolver_, "127.0.0.1", hole.port(), Limits{.cancel = &cancel});
  reactor_->turn(reactor_->now());
  cancel.request(Error{.code = Errc::kDrained});
  finish(task);
  EXPECT_EQ(task.take().error(), (Error{Errc::kDrained, Side::kOurs, Retry::kSafe, 0}));
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ConnectorTest, TriesTheNextAddressBesideOneThatIsSilent) {
  BlackHole hole(kernel_);
  SocketAddress other = socket_address(*parse_ip("127.0.0.2"), hole.port());
  const Result<int> listener = kernel_.open_listener(other, 16);
  ASSERT_TRUE(listener);
  AddressList addresses;
  addresses.add(*parse_ip("127.0.0.1"));
  addresses.add(*parse_ip("127.0.0.2"));
  const int before = open_descriptors();
  const Instant start = reactor_->now();
  Task<Result<int>> task =
      connect_any(*reactor_, addresses, hole.port(), Limits{.deadline = start + 60s});
  finish(task);
  const Result<int> fd = task.take();
  ASSERT_TRUE(fd);
  EXPECT_EQ(peer_of(*fd), "127.0.0.2:" + std::to_string(hole.port()));
  EXPECT_GE(clock_.now() - start, ConnectRace::kStagger);
  EXPECT_LT(clock_.now() - start, 30s);  // the silent one is given up after a minute
  kernel_.close_socket(*fd);
  EXPECT_EQ(open_descriptors(), before);
  kernel_.close_socket(*listener);
}

TEST_F(ConnectorTest, ANameThatIsNotThereIsToldSo) {
  const Result<int> fd = connect("nobody.example", 80);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error(), (Error{Errc::kNameNotFound, Side::kUpstream, Retry::kSafe, 0}));
}

}  // namespace
}  // namespace sluice
