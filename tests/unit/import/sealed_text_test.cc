// API keys as the predecessor sealed them: nonce:ciphertext.
#include "store/import/sealed_text.h"

#include <gtest/gtest.h>

#include "parser/base64.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/vault/keys.h"

namespace sluice {
namespace {

// Made with node's crypto (createCipheriv("aes-256-gcm", key, nonce), no associated data), an
// implementation that shares nothing with ours: key 00..1f, nonce a0..ab.
constexpr std::string_view kKeyDigits =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr std::string_view kClear = "nvapi-test-0123456789abcdef>>>???";
constexpr std::string_view kHex =
    "a0a1a2a3a4a5a6a7a8a9aaab:886e1d5d2ce676da1111aae33648f3ea459"
    "a6e28abd6200ff86b40b841954a3eed8c4cf8f6f50c96f07f5446f7d4db321e";
constexpr std::string_view kBase64 =
    "oKGio6Slpqeoqaqr:iG4dXSzmdtoREarjNkjz6kWabiir1iAP+GtAuEGVSj7tjEz49vUMlvB/VEb31NsyHg==";
constexpr std::string_view kUrlSafe =
    "oKGio6Slpqeoqaqr:iG4dXSzmdtoREarjNkjz6kWabiir1iAP-GtAuEGVSj7tjEz49vUMlvB_VEb31NsyHg";

Secret golden_key() {
  const auto key = MasterKey::parse(kKeyDigits, "test");
  EXPECT_TRUE(key);
  return raw_key_of(*key);
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(c));
  return out;
}

TEST(SealedText, OpensWhatAnotherImplementationSealed) {
  for (const std::string& text :
       {std::string(kHex), upper(kHex), std::string(kBase64), std::string(kUrlSafe),
        std::string(kUrlSafe) + "==", std::string(kBase64.substr(0, kBase64.size() - 2))}) {
    const auto opened = open_sealed_text(golden_key(), text);
    ASSERT_TRUE(opened) << text << ": " << sealed_text_fault_text(opened.error());
    EXPECT_EQ(opened->reveal(), kClear);
  }
}

struct RefusedTextRow {
  const char* rule;
  std::string text;
  SealedTextFault fault;
};

std::string nonce_of(std::string_view text) { return std::string(text.substr(0, text.find(':'))); }
std::string rest_of(std::string_view text) { return std::string(text.substr(text.find(':') + 1)); }

const RefusedTextRow kRefusedRows[] = {
    {"empty", "", SealedTextFault::kEmpty},
    {"a key in clear", std::string(kClear), SealedTextFault::kNotSealed},
    {"nothing but the colon", ":", SealedTextFault::kBadNonce},
    {"no nonce", ":" + rest_of(kHex), SealedTextFault::kBadNonce},
    {"11 bytes of nonce", nonce_of(kHex).substr(2) + ":" + rest_of(kHex),
     SealedTextFault::kBadNonce},
    {"13 bytes of nonce", "00" + nonce_of(kHex) + ":" + rest_of(kHex), SealedTextFault::kBadNonce},
    {"a nonce of 24 characters that are no digits", std::string(24, 'g') + ":" + rest_of(kHex),
     SealedTextFault::kBadNonce},
    {"a space in front", " " + std::string(kBase64), SealedTextFault::kBadNonce},
    {"a line end", std::string(kHex) + "\n", SealedTextFault::kBadCiphertext},
    {"no ciphertext", nonce_of(kHex) + ":", SealedTextFault::kBadCiphertext},
    {"shorter than a tag", nonce_of(kHex) + ":" + std::string(30, '0'),
     SealedTextFault::kBadCiphertext},
    {"an odd number of digits", std::string(kHex.substr(0, kHex.size() - 1)),
     SealedTextFault::kBadCiphertext},
    {"two encodings", nonce_of(kHex) + ":" + rest_of(kBase64), SealedTextFault::kBadCiphertext},
    {"two colons", std::string(kHex) + ":00", SealedTextFault::kBadCiphertext},
    {"a byte less", std::string(kHex.substr(0, kHex.size() - 2)), SealedTextFault::kDoesNotOpen},
    {"a byte more", std::string(kHex) + "00", SealedTextFault::kDoesNotOpen},
};

TEST(SealedText, WhatDoesNotOpenIsNamed) {
  for (const RefusedTextRow& row : kRefusedRows) {
    GuardedBytes guarded(row.text.size() + 1);
    const auto opened = open_sealed_text(golden_key(), guarded.place(row.text));
    ASSERT_FALSE(opened) << row.rule;
    EXPECT_EQ(opened.error(), row.fault) << row.rule;
    EXPECT_FALSE(sealed_text_fault_text(opened.error()).empty()) << row.rule;
  }
}

TEST(SealedText, EveryDigitCounts) {
  for (std::size_t at = 0; at < kHex.size(); ++at) {
    if (kHex[at] == ':') continue;
    std::string other(kHex);
    other[at] = other[at] == '0' ? '1' : '0';
    const auto opened = open_sealed_text(golden_key(), other);
    ASSERT_FALSE(opened) << at;
    EXPECT_EQ(opened.error(), SealedTextFault::kDoesNotOpen) << at;
  }
}

TEST(SealedText, AnotherKeyDoesNotOpenIt) {
  const auto opened = open_sealed_text(raw_key_of(key_of('1')), kHex);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error(), SealedTextFault::kDoesNotOpen);
}

struct Base64Row {
  std::string_view text;
  std::optional<std::string_view> bytes;
};

constexpr Base64Row kBase64Rows[] = {
    {"", ""},
    {"Zg==", "f"},
    {"Zg", "f"},
    {"Zm8=", "fo"},
    {"Zm8", "fo"},
    {"Zm9v", "foo"},
    {"Zm9vYg==", "foob"},
    {"+/+/", "\xfb\xff\xbf"},
    {"-_-_", "\xfb\xff\xbf"},
    {"Z", {}},
    {"Zg=", {}},
    {"Zg===", {}},
    {"Zm9v=", {}},
    {"Zm9v====", {}},
    {"Zg=a", {}},
    {"=", {}},
    {"====", {}},
    {"Zh==", {}},
    {"Zm9=", {}},
    {"Zm 8", {}},
    {"Zm8\n", {}},
    {"Zm8\xc3", {}},
};

TEST(SealedText, Base64IsReadStrictly) {
  for (const Base64Row& row : kBase64Rows) {
    const auto bytes = decode_base64(row.text);
    ASSERT_EQ(bytes.has_value(), row.bytes.has_value()) << row.text;
    if (bytes) {
      EXPECT_EQ(*bytes, *row.bytes) << row.text;
    }
  }
}

}  // namespace
}  // namespace sluice
