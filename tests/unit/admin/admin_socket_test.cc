// Calls as they should come, and as they should not.
#include "admin/admin_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tests/unit/test_directory.h"

namespace sluice {
namespace {

class AdminSocketTest : public ::testing::Test {
 protected:
  AdminSocketTest() {
    auto opened = AdminSocket::open(directory_.path_of(""), [this](const AdminCall& call) {
      ++calls_;
      return AdminAnswer{.exit_code = 7,
                         .text = call.command + " " + call.args.dump() + "\n",
                         .secret = Secret(call.secret.reveal())};
    });
    EXPECT_TRUE(opened) << opened.error();
    socket_ = std::move(*opened);
  }

  int connected() const {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = admin_socket_path(directory_.path_of(""));
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    return fd;
  }
  // What comes back for `bytes`, after which the peer says no more.
  std::string answer_to(std::string_view bytes) const {
    const int fd = connected();
    while (!bytes.empty()) {
      const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;  // it has heard enough
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    shutdown(fd, SHUT_WR);
    std::string got;
    char buffer[4096];
    for (ssize_t n = 0; (n = recv(fd, buffer, sizeof(buffer), 0)) > 0;)
      got.append(buffer, static_cast<std::size_t>(n));
    close(fd);
    return got;
  }
  void expect_served() {
    const auto answer = call_gateway(directory_.path_of(""), {.command = "still", .secret = {}});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->text, "still {}\n");
  }

  TestDirectory directory_;
  int calls_ = 0;
  std::unique_ptr<AdminSocket> socket_;
};

TEST_F(AdminSocketTest, ACallComesWholeAndSoDoesItsAnswer) {
  const std::string secret = std::string("sk\n\0{", 5) + std::string(300'000, 'x');
  const auto answer =
      call_gateway(directory_.path_of(""),
                   {.command = "providers.add", .args = {{"a", {1, 2}}}, .secret = Secret(secret)});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->exit_code, 7);
  EXPECT_EQ(answer->text, "providers.add {\"a\":[1,2]}\n");
  EXPECT_EQ(answer->secret.reveal(), secret);
}

TEST_F(AdminSocketTest, OnlyItsOwnUserReachesIt) {
  struct stat about {};
  ASSERT_EQ(stat(admin_socket_path(directory_.path_of("")).c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
}

TEST_F(AdminSocketTest, NobodyServesAfterwards) {
  socket_.reset();
  EXPECT_FALSE(call_gateway(directory_.path_of(""), {.command = "x", .secret = {}}));
}

std::string nested(std::size_t depth) {
  return R"({"command":"x","args":{"rpm_limit":)" + std::string(depth, '[') +
         std::string(depth, ']') + "}}\n";
}

TEST_F(AdminSocketTest, WhatIsNoCallGetsNoAnswer) {
  const struct {
    const char* what;
    std::string bytes;
  } rows[] = {
      {"nothing", ""},
      {"an empty line", "\n"},
      {"half a line", R"({"command":"x")"},
      {"no JSON", "GET / HTTP/1.1\r\n\r\n"},
      {"no object", "[1,2]\n"},
      {"bytes", std::string("\0\xff\xfe\x80\n", 5)},
      {"a command that is a number", R"({"command":7})"
                                     "\n"},
      {"a size that is a text", R"({"command":"x","secret_bytes":"7"})"
                                "\n"},
      {"a size below zero", R"({"command":"x","secret_bytes":-1})"
                            "\n"},
      {"a size beyond all", R"({"command":"x","secret_bytes":99999999999})"
                            "\n"},
      {"a size beyond numbers", R"({"command":"x","secret_bytes":1e300})"
                                "\n"},
      {"half a secret", R"({"command":"x","secret_bytes":9})"
                        "\nabc"},
      {"a line beyond all", std::string(kAdminLineMax + 10, ' ')},
      {"a nest", nested(20)},
      {"a nest that takes a stack to copy", nested(100'000)},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(answer_to(row.bytes), "") << row.what;
    EXPECT_EQ(calls_, 0) << row.what;
  }
  expect_served();
}

TEST_F(AdminSocketTest, APeerThatLeavesBeforeItsAnswerIsNoMatter) {
  const int fd = connected();
  const std::string_view call = R"({"command":"x","args":{}})"
                                "\n";
  ASSERT_EQ(send(fd, call.data(), call.size(), MSG_NOSIGNAL), static_cast<ssize_t>(call.size()));
  close(fd);
  expect_served();
}

// A peer in the middle of its call holds nobody up who ends.
TEST_F(AdminSocketTest, TheEndDoesNotWaitForASlowPeer) {
  const int fd = connected();
  ASSERT_EQ(send(fd, "{", 1, MSG_NOSIGNAL), 1);
  const auto began = std::chrono::steady_clock::now();
  socket_.reset();
  // A peer has 10 s for its call.
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(9));
  close(fd);
}

}  // namespace
}  // namespace sluice
