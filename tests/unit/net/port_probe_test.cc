#include "engine/net/port_probe.h"

#include <gtest/gtest.h>

#include "engine/io/uring_kernel.h"
#include "tests/unit/net/listener.h"
#include "tests/unit/net/wire.h"

namespace sluice {
namespace {

ListenAddress at(std::string_view host, std::uint16_t port) {
  return *parse_listen_address(std::string(host) + ":" + std::to_string(port));
}

TEST(PortProbe, ALeftPortIsFreeAndOneWithAListenerOfOursIsTaken) {
  UringKernel kernel;
  std::uint16_t port = 0;
  {
    const Listener listener(kernel);
    port = listener.port();
    for (const char* const host : {"127.0.0.1", "0.0.0.0", "", "localhost"}) {
      const auto taken = taken_port(at(host, port));
      ASSERT_TRUE(taken) << host;
      EXPECT_NE(taken->find("the port is taken"), std::string::npos) << *taken;
      EXPECT_NE(taken->find("ss -ltnp 'sport = :" + std::to_string(port)), std::string::npos);
    }
    EXPECT_FALSE(taken_port(at("127.0.0.2", port)));
  }
  EXPECT_EQ(taken_port(at("127.0.0.1", port)), std::nullopt);
}

// A restart must not wait for the connections of the process before it.
TEST(PortProbe, ConnectionsThatOutliveTheirListenerAreNoHindrance) {
  UringKernel kernel;
  std::uint16_t port = 0;
  int client = -1, server = -1;
  {
    Listener listener(kernel);
    port = listener.port();
    const SocketAddress address = socket_address(*parse_ip("127.0.0.1"), port);
    client = *kernel.open_socket(AF_INET);
    ASSERT_EQ(connect(client, reinterpret_cast<const sockaddr*>(&address.storage), address.bytes),
              0);
    server = listener.accept();
    ASSERT_GE(server, 0);
  }
  EXPECT_EQ(taken_port(at("127.0.0.1", port)), std::nullopt) << "established";
  close(server);  // first: it goes to TIME_WAIT
  close(client);
  EXPECT_EQ(taken_port(at("127.0.0.1", port)), std::nullopt) << "in TIME_WAIT";
}

TEST(PortProbe, AnyFreePortIsFree) { EXPECT_FALSE(taken_port(at("127.0.0.1", 0))); }

}  // namespace
}  // namespace sluice
