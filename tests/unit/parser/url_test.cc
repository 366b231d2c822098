#include "parser/url.h"

#include <gtest/gtest.h>

#include <string>

#include "parser/authority.h"
#include "tests/unit/guard_page.h"

namespace sluice {
namespace {

struct UrlRow {
  std::string_view text;
  bool tls;
  std::string_view host;
  std::uint16_t port;
  std::string_view base_path;
  std::string_view authority;
};

constexpr UrlRow kUrlRows[] = {
    {"https://integrate.api.nvidia.com/v1", true, "integrate.api.nvidia.com", 443, "/v1",
     "integrate.api.nvidia.com"},
    {"https://a.example:8443/v1", true, "a.example", 8443, "/v1", "a.example:8443"},
    {"https://a.example:443/v1", true, "a.example", 443, "/v1", "a.example"},
    {"http://a.example:80", false, "a.example", 80, "", "a.example"},
    {"http://a.example:443", false, "a.example", 443, "", "a.example:443"},
    {"http://127.0.0.1:9000/", false, "127.0.0.1", 9000, "", "127.0.0.1:9000"},
    {"http://[::1]:9000/a/b/", false, "::1", 9000, "/a/b", "[::1]:9000"},
    {"https://[2001:db8::1]:443/", true, "2001:db8::1", 443, "", "[2001:db8::1]"},
    {"HTTPS://A.Example/V1", true, "A.Example", 443, "/V1", "A.Example"},
    {"https://a/%20b", true, "a", 443, "/%20b", "a"},
};

TEST(BaseUrl, Accepted) {
  GuardedBytes memory(256);
  for (const UrlRow& row : kUrlRows) {
    SCOPED_TRACE(row.text);
    BaseUrl url;
    std::string_view why;
    ASSERT_TRUE(parse_base_url(memory.place(row.text), url, why)) << why;
    EXPECT_EQ(url.tls, row.tls);
    EXPECT_EQ(url.host, row.host);
    EXPECT_EQ(url.port, row.port);
    EXPECT_EQ(url.base_path, row.base_path);
    EXPECT_EQ(url.authority, row.authority);
  }
}

TEST(BaseUrl, Refused) {
  using namespace std::string_view_literals;
  GuardedBytes memory(256);
  for (const std::string_view text : {""sv,
                                      "a.example/v1"sv,
                                      "ftp://a.example"sv,
                                      "https:/a.example"sv,
                                      "https://"sv,
                                      "https:///v1"sv,
                                      "https://:443/v1"sv,
                                      "https://a.example:0/v1"sv,
                                      "https://a.example:65536/v1"sv,
                                      "https://a.example:/v1"sv,
                                      "https://user@a.example/v1"sv,
                                      "https://user:sk-test-1@a.example/v1"sv,
                                      "https://a.example/v1?key=sk-test-1"sv,
                                      "https://a.example/v1#a"sv,
                                      "https://a.example/v1//"sv,
                                      "https://a.example//v1"sv,
                                      "https://a.example/../v1"sv,
                                      "https://a.example/v1%2fa"sv,
                                      "https://a.example/v1%00"sv,
                                      "https://a.example/a b"sv,
                                      "https://a.example/\xe2\x82\xac"sv,
                                      "https://a.example\\v1"sv,
                                      "https://a.example/v1\0"sv,
                                      "https://[::1/v1"sv,
                                      "https://2852039166/v1"sv,
                                      "https://0xa9fea9fe/v1"sv,
                                      "https://127.1/v1"sv,
                                      "https://127.0.0.1./v1"sv,
                                      "https://a..example/v1"sv,
                                      "https://a!b/v1"sv,
                                      " https://a.example"sv}) {
    BaseUrl url;
    std::string_view why;
    EXPECT_FALSE(parse_base_url(memory.place(text), url, why)) << text;
    EXPECT_NE(why, "") << text;
  }
}

struct TargetRow {
  std::string_view base_path;
  std::string_view path;
  bool has_query;
  std::string_view query;
  std::string_view target;
};

constexpr TargetRow kTargetRows[] = {
    {"", "/v1/models", false, "", "/v1/models"},
    {"/v1", "/v1/chat/completions", false, "", "/v1/chat/completions"},
    {"/v1", "/v1", false, "", "/v1"},
    {"/v1", "/chat/completions", false, "", "/v1/chat/completions"},
    {"/v1", "/v1beta/models", false, "", "/v1/v1beta/models"},
    {"/v1", "/v2/models", false, "", "/v1/v2/models"},
    {"/openai/v1", "/v1/models", false, "", "/openai/v1/models"},
    {"/openai", "/v1/models", false, "", "/openai/v1/models"},
    {"/api/paas/v4", "/v1/models", false, "", "/api/paas/v4/v1/models"},
    {"/v1/v1", "/v1/models", false, "", "/v1/v1/models"},
    {"/V1", "/v1/models", false, "", "/V1/v1/models"},
    {"/v1", "/v1/models", true, "a=%2F&b", "/v1/models?a=%2F&b"},
    {"/v1", "/v1/models", true, "", "/v1/models?"},
};

TEST(Target, BasePathAndPathAreJoinedAndASharedSegmentIsTakenOnce) {
  GuardedBytes memory(256);
  for (const TargetRow& row : kTargetRows) {
    const std::size_t room = target_bytes_max(row.base_path, row.path, row.query);
    char* const out = memory.room(room);
    const std::size_t bytes = write_target(out, row.base_path, row.path, row.has_query, row.query);
    EXPECT_EQ(std::string_view(out, bytes), row.target);
  }
}

TEST(Authority, Ipv6Addresses) {
  for (const std::string_view text :
       {"[::]", "[::1]", "[1::]", "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7::]", "[::2:3:4:5:6:7:8]",
        "[fe80::A:b]", "[::ffff:1.2.3.4]", "[1:2:3:4:5:6:255.255.255.255]", "[::1]:65535"}) {
    Authority parts;
    EXPECT_TRUE(parse_authority(text, parts)) << text;
    EXPECT_TRUE(parts.ipv6);
  }
  for (const std::string_view text : {"[]",
                                      "[:]",
                                      "[:::]",
                                      "[1]",
                                      "[1:2:3:4:5:6:7]",
                                      "[1:2:3:4:5:6:7:8:9]",
                                      "[1:2:3:4:5:6:7:8::]",
                                      "[::1::]",
                                      "[12345::]",
                                      "[g::]",
                                      "[1:2:3:4:5:6:7:]",
                                      "[:1:2:3:4:5:6:7]",
                                      "[::1.2.3]",
                                      "[::1.2.3.256]",
                                      "[::01.2.3.4]",
                                      "[1:2:3:4:5:6:7:1.2.3.4]",
                                      "[::1.2.3.4:1]",
                                      "[::1]80",
                                      "[::1]:",
                                      "[[::1]]",
                                      "[::1",
                                      "::1]",
                                      "[ ::1]"}) {
    Authority parts;
    EXPECT_FALSE(parse_authority(text, parts)) << text;
  }
}

}  // namespace
}  // namespace sluice
