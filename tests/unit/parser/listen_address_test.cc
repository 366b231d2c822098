#include "parser/listen_address.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "tests/unit/guard_page.h"

namespace sluice {
namespace {

std::string listeners_of(const ListenAddress& address) {
  std::string all;
  for (const IpAddress& ip : address.ips()) {
    char text[kAddressTextBytesMax];
    all += (all.empty() ? "" : " ") + std::string(text, write_address(text, ip, address.port));
  }
  return all;
}

struct AcceptedRow {
  const char* rule;
  const char* text;
  const char* listeners;
  const char* shown;
  bool loopback;
};

constexpr AcceptedRow kAcceptedRows[] = {
    {"an IPv4 address and a port", "127.0.0.1:9190", "127.0.0.1:9190", "127.0.0.1:9190", true},
    {"all of 127.0.0.0/8 is loopback", "127.8.9.1:1", "127.8.9.1:1", "127.8.9.1:1", true},
    {"what only looks like it is not", "128.0.0.1:1", "128.0.0.1:1", "128.0.0.1:1", false},
    {"an IPv6 address in brackets", "[::1]:9190", "[::1]:9190", "[::1]:9190", true},
    {"in full", "[0:0:0:0:0:0:0:1]:1", "[::1]:1", "[::1]:1", true},
    {"in capitals", "[2001:DB8::A]:1", "[2001:db8::a]:1", "[2001:db8::a]:1", false},
    {"mapped loopback", "[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80",
     true},
    {"mapped, not loopback", "[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.1]:80",
     false},
    {"127 elsewhere in IPv6", "[7f00::]:80", "[7f00::]:80", "[7f00::]:80", false},
    {"every IPv4 address", "0.0.0.0:80", "0.0.0.0:80", "0.0.0.0:80", false},
    {"every IPv6 address", "[::]:80", "[::]:80", "[::]:80", false},
    {"a port alone is every address of both families", ":9190", "0.0.0.0:9190 [::]:9190", ":9190",
     false},
    {"so is a star", "*:9190", "0.0.0.0:9190 [::]:9190", ":9190", false},
    {"localhost is the loopback of both families", "localhost:1", "127.0.0.1:1 [::1]:1",
     "localhost:1", true},
    {"port 0 lets the kernel choose", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", true},
    {"of both families", "localhost:0", "127.0.0.1:0 [::1]:0", "localhost:0", true},
    {"the largest port", "10.1.2.3:65535", "10.1.2.3:65535", "10.1.2.3:65535", false},
    {"zeros before the port", ":0080", "0.0.0.0:80 [::]:80", ":80", false},
};

TEST(ListenAddress, NamesItsListeners) {
  for (const AcceptedRow& row : kAcceptedRows) {
    const auto address = parse_listen_address(row.text);
    ASSERT_TRUE(address) << row.rule << ": " << address.error();
    EXPECT_EQ(listeners_of(*address), row.listeners) << row.rule;
    EXPECT_EQ(address->text(), row.shown) << row.rule;
    EXPECT_EQ(address->is_loopback(), row.loopback) << row.rule;
    EXPECT_EQ(parse_listen_address(address->text()), *address) << row.rule;
  }
}

TEST(ListenAddress, IsLoopbackAndPort9190WhenNothingIsSaid) {
  EXPECT_EQ(ListenAddress{}.text(), "127.0.0.1:9190");
  EXPECT_EQ(parse_listen_address("127.0.0.1:9190"), ListenAddress{});
}

constexpr std::string_view kNoPort = "has no port";
constexpr std::string_view kBadPort = "does not end in a port, a number from 0 to 65535";
constexpr std::string_view kBrackets = "needs brackets around its IPv6 address";
constexpr std::string_view kNoIp =
    "is not an IP address and would have to be looked up (only localhost is known by name)";

struct RefusedRow {
  const char* rule;
  std::string_view text;
  std::string_view error;
};

using namespace std::string_view_literals;

constexpr RefusedRow kRefusedRows[] = {
    {"nothing", "", kNoPort},
    {"an address alone", "127.0.0.1", kNoPort},
    {"a name alone", "localhost", kNoPort},
    {"a port alone, without its colon", "80", kNoPort},
    {"a star alone", "*", kNoPort},
    {"an empty port", "127.0.0.1:", kBadPort},
    {"a colon alone", ":", kBadPort},
    {"brackets without a port", "[::1]", kBadPort},
    {"brackets with an empty port", "[::1]:", kBadPort},
    {"brackets without the colon", "[::1]80", kBadPort},
    {"a port that is too large", ":65536", kBadPort},
    {"one that wraps in 64 bits", ":18446744073709551617", kBadPort},
    {"one with a plus", "127.0.0.1:+80", kBadPort},
    {"one with a minus", ":-1", kBadPort},
    {"one with a tail", ":80x", kBadPort},
    {"one in hexadecimal", ":0x50", kBadPort},
    {"one with a space", ": 80", kBadPort},
    {"a service by name", ":http", kBadPort},
    {"one with a NUL", ":80\0"sv, kBadPort},
    {"a path", "127.0.0.1:80/v1", kBadPort},
    {"IPv6 without brackets", "::1:9190", kBrackets},
    {"and without a port", "::1", kBrackets},
    {"and with a wrong one", "2001:db8::1:99999", kBrackets},
    {"every address of IPv6, without brackets", ":::80", kBrackets},
    {"another name", "gateway.example:80", kNoIp},
    {"localhost with a tail", "localhost.:80", kNoIp},
    {"two stars", "**:80", kNoIp},
    {"two ports", "127.0.0.1:80:81", kNoIp},
    {"a URL", "http://127.0.0.1:80", kNoIp},
    {"an old spelling", "127.1:80", kNoIp},
    {"a number", "2130706433:80", kNoIp},
    {"octal", "0177.0.0.1:80", kNoIp},
    {"a dot too many", "127.0.0.1.:80", kNoIp},
    {"a number too large", "127.0.0.256:80", kNoIp},
    {"spaces", " 127.0.0.1:80", kNoIp},
    {"a NUL", "127.0.0.1\0:80"sv, kNoIp},
    {"a zone", "[fe80::1%eth0]:80", kNoIp},
    {"half a bracket", "[::1:80", kNoIp},
    {"the other half", "::1]:80", kNoIp},
    {"brackets in brackets", "[[::1]]:80", kNoIp},
    {"empty brackets", "[]:80", kNoIp},
    {"IPv4 in brackets", "[127.0.0.1]:80", kNoIp},
    {"a name in brackets", "[localhost]:80", kNoIp},
    {"nine groups", "[1:2:3:4:5:6:7:8:9]:80", kNoIp},
    {"two gaps", "[1::2::3]:80", kNoIp},
};

TEST(ListenAddress, SaysWhyItIsNone) {
  for (const RefusedRow& row : kRefusedRows) {
    const auto address = parse_listen_address(row.text);
    ASSERT_FALSE(address) << row.rule;
    EXPECT_EQ(address.error(), row.error) << row.rule;
  }
}

TEST(ListenAddress, TellsHowToMendIt) {
  EXPECT_EQ(listen_refusal("here", kNoPort),
            "\"here\" has no port; expected an IP address and a port like 127.0.0.1:9190 or "
            "[::1]:9190, localhost:9190 (127.0.0.1 and ::1) or :9190 (all addresses)");
}

struct HostRow {
  const char* text;
  const char* shown;  // "": refused
};

constexpr HostRow kHostRows[] = {
    {"127.0.0.2", "127.0.0.2:80"}, {"::1", "[::1]:80"}, {"[::1]", "[::1]:80"},
    {"localhost", "localhost:80"}, {"*", ":80"},        {"", ":80"},
    {"0.0.0.0", "0.0.0.0:80"},     {"example.com", ""}, {"127.0.0.1:80", ""},
    {"[127.0.0.1]", ""},
};

TEST(ListenHost, NeedsNoBrackets) {
  for (const HostRow& row : kHostRows) {
    const auto address = parse_listen_host(row.text, 80);
    ASSERT_EQ(address.has_value(), *row.shown != '\0') << row.text;
    if (!address) {
      EXPECT_EQ(address.error(), kNoIp) << row.text;
      continue;
    }
    EXPECT_EQ(address->text(), row.shown) << row.text;
  }
}

// Made of pieces of addresses and of any bytes, so that both many are accepted and all is tried.
std::string random_listen(Prng& random) {
  constexpr std::string_view kPieces[] = {
      "127.0.0.1", "0.0.0.0", "10.255.3.9", "[::1]", "[::]", "[2001:db8::", "ffff:", "::",
      ":",         "]",       "[",          ".",     "*",    "localhost",   "80",    "0",
      "65535",     "65536",   ":9190",      "%"};
  std::string text;
  for (std::uint64_t count = random.below(4); count > 0; --count) {
    text += kPieces[random.below(std::size(kPieces))];
  }
  if (random.below(2) == 0) text += ":" + std::to_string(random.below(70'000));
  if (random.below(3) == 0) text.insert(random.below(text.size() + 1), 1, char(random.below(256)));
  return text;
}

TEST(ListenAddress, PrintedAndParsedAgainIsTheSame) {
  Prng random(1);
  GuardedBytes guarded(256);
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string text = random_listen(random);
    const auto address = parse_listen_address(guarded.place(text));
    if (!address) {
      EXPECT_FALSE(address.error().empty()) << text;
      continue;
    }
    ++accepted;
    EXPECT_EQ(parse_listen_address(guarded.place(address->text())), *address) << text;
  }
  EXPECT_GT(accepted, 10'000);
}

TEST(ListenAddress, EveryIpAndPortComesBack) {
  Prng random(2);
  for (int i = 0; i < 50'000; ++i) {
    IpAddress ip{.family = random.below(2) == 0 ? IpFamily::kV4 : IpFamily::kV6};
    const std::size_t bytes = ip.family == IpFamily::kV4 ? 4 : 16;
    const std::uint64_t zeros = random.below(4);  // gaps of every length
    for (std::size_t at = 0; at < bytes; ++at) {
      if (random.below(4) >= zeros) ip.bytes[at] = static_cast<std::uint8_t>(random.below(256));
    }
    const auto port = static_cast<std::uint16_t>(random.below(65'536));
    const ListenAddress address{.addresses = {ip}, .count = 1, .port = port};
    EXPECT_EQ(parse_listen_address(address.text()), address) << address.text();
  }
}

TEST(ListenAddress, RandomBytesAreNoAddress) {
  Prng random(3);
  GuardedBytes guarded(256);
  for (int i = 0; i < 50'000; ++i) {
    std::string text(random.below(64), '\0');
    for (char& c : text) c = static_cast<char>(random.below(256));
    const auto address = parse_listen_address(guarded.place(text));
    if (!address) continue;
    EXPECT_EQ(parse_listen_address(address->text()), *address) << text;
  }
}

}  // namespace
}  // namespace sluice
