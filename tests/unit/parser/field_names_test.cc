#include <gtest/gtest.h>

#include <cctype>
#include <memory>
#include <string>

#include "parser/http1_common.h"

namespace sluice {
namespace {

constexpr int kLastId = static_cast<int>(FieldId::kAnthropicVersion);

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

TEST(FieldNames, EveryKnownNameIsFoundInAnyCaseAndNoOtherNameIs) {
  int known = 0;
  for (int i = 1; i <= kLastId; ++i) {
    const FieldId id = static_cast<FieldId>(i);
    const std::string name(field_name(id));
    if (name.empty()) continue;
    ++known;
    EXPECT_EQ(field_id(name), id) << name;
    EXPECT_EQ(field_id(upper(name)), id) << name;
    for (std::size_t at = 0; at < name.size(); ++at) {
      for (const char c : {'z', 'q', '0', '-', '_', '!', '~', '^'}) {
        std::string other = name;
        other[at] = c;
        if (equals_ignoring_case(other, name)) continue;
        EXPECT_NE(field_id(other), id) << other;
      }
    }
    EXPECT_NE(field_id(name + "x"), id) << name;
    EXPECT_NE(field_id(name.substr(1)), id) << name;
    EXPECT_NE(field_id(name.substr(0, name.size() - 1)), id) << name;
  }
  EXPECT_EQ(known, kLastId - 4) << "all but the four that stand for many names";
}

struct Row {
  std::string_view name;
  FieldId id;
};

constexpr Row kRows[] = {
    {"", FieldId::kOther},
    {"Proxy-Authorization", FieldId::kProxy},
    {"PROXY-a", FieldId::kProxy},
    {"Proxy-", FieldId::kOther},
    {"Proxy-Connection", FieldId::kProxyConnection},
    {"proxyauthorization", FieldId::kOther},
    {"X-Forwarded-For", FieldId::kXForwarded},
    {"x-forwarded-client-cert-of-a-long-name", FieldId::kXForwarded},
    {"X-Forwarded", FieldId::kOther},
    {"x-ratelimit-remaining-tokens", FieldId::kRateLimit},
    {"anthropic-ratelimit-tokens-limit", FieldId::kOther},
    {"X-Sluice-Account", FieldId::kXSluice},
    {"x-stainless-lang", FieldId::kOther},
};

TEST(FieldNames, NamesThatStandForMany) {
  for (const Row& row : kRows) EXPECT_EQ(field_id(row.name), row.id) << row.name;
}

TEST(FieldNames, F8AndF9KnowTheirFields) {
  for (const std::string_view name :
       {"Authorization", "x-api-key", "api-key", "Cookie", "Proxy-Authorization",
        "Proxy-Connection", "Forwarded", "X-Forwarded-Host", "X-Real-IP", "X-Priority"})
    EXPECT_TRUE(is_client_private(field_id(name))) << name;
  for (const std::string_view name : {"Connection", "Keep-Alive", "Proxy-Connection", "TE",
                                      "Trailer", "Transfer-Encoding", "Upgrade"})
    EXPECT_TRUE(is_hop_by_hop(field_id(name))) << name;
  for (const std::string_view name :
       {"Host", "Content-Length", "Accept", "X-Request-Id", "X-Other"}) {
    EXPECT_FALSE(is_client_private(field_id(name))) << name;
    EXPECT_FALSE(is_hop_by_hop(field_id(name))) << name;
  }
}

TEST(FieldNames, CaseIsIgnoredInAsciiLettersOnly) {
  EXPECT_TRUE(equals_ignoring_case("aBz-09", "AbZ-09"));
  EXPECT_FALSE(equals_ignoring_case("^", "~"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
  EXPECT_FALSE(equals_ignoring_case("\xe4", "\xc4"));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
}

TEST(WithFields, ACopyHasFieldsOfItsOwn) {
  auto list = std::make_unique<WithFields<FieldList>>();
  list->items[0] = {"a", "b", FieldId::kOther, false};
  list->items[1] = {"Via", "c", FieldId::kVia, true};
  list->count = 2;
  const WithFields<FieldList> copy = *list;
  list->items[1].value = "d";
  ASSERT_EQ(copy.count, 2u);
  EXPECT_EQ(copy.find(FieldId::kVia)->value, "c");
  EXPECT_EQ(copy.find(FieldId::kHost), nullptr);
}

struct ViaRow {
  std::string_view what;
  std::string_view first, second;  // two Via fields; "" : none
  bool named;
};

constexpr ViaRow kViaRows[] = {
    {"none", "", "", false},
    {"alone", "1.1 sluice-a1", "", true},
    {"in any case", "1.1 SLUICE-A1", "", true},
    {"with the protocol's name", "HTTP/1.1 sluice-a1", "", true},
    {"with a comment", "1.1 sluice-a1 (a proxy)", "", true},
    {"with a comment and no space", "1.1 sluice-a1(a proxy)", "", true},
    {"in a list", "1.0 fred, 1.1\tsluice-a1 , 1.1 p.example", "", true},
    {"in the second field", "1.0 fred", "1.1 sluice-a1", true},
    {"behind a comment with a comma", "1.0 fred (a, \\) (b)), 1.1 sluice-a1", "", true},
    {"another", "1.1 sluice-a2", "", false},
    {"a longer name", "1.1 sluice-a10", "", false},
    {"with a port", "1.1 sluice-a1:80", "", false},
    {"in a comment only", "1.1 fred (1.1 sluice-a1, 1.1 sluice-a1)", "", false},
    {"as the protocol", "sluice-a1 1.1", "", false},
    {"without a protocol", "sluice-a1", "", false},
    {"a comment that does not end", "1.1 fred (", "1.1 sluice-a1", true},
};

TEST(Via, F10OurOwnPseudonymIsFoundWhereverItStands) {
  for (const ViaRow& row : kViaRows) {
    WithFields<FieldList> list;
    for (const std::string_view value : {row.first, row.second})
      if (!value.empty()) list.items[list.count++] = {"Via", value, FieldId::kVia, false};
    list.items[list.count++] = {"X-Via", "1.1 sluice-a1", FieldId::kOther, false};
    EXPECT_EQ(via_names(list, "sluice-a1"), row.named) << row.what;
  }
}

}  // namespace
}  // namespace sluice
