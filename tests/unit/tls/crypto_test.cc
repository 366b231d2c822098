// AES-256-GCM, SHA-256, HMAC and random bytes against published vectors.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tls/aead.h"
#include "tls/digest.h"
#include "tls/random.h"

namespace sluice {
namespace {

std::string bytes(std::string_view digits) {
  std::string out(digits.size() / 2, '\0');
  EXPECT_TRUE(parse_hex(digits, out)) << digits;
  return out;
}

std::string hex(std::string_view bytes) {
  std::string out(bytes.size() * 2, '\0');
  write_hex(bytes, out.data());
  return out;
}

struct AeadRow {
  const char* source;
  std::string_view key, nonce, associated, plaintext, sealed;  // the tag at the end
};

// The test cases of the GCM specification (McGrew and Viega, appendix B), which NIST SP 800-38D
// cites.
constexpr AeadRow kAeadRows[] = {
    {"test case 13", "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"test case 14", "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"test case 15", "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
     "b094dac5d93471bdec1a502270e3cc6c"},
    {"test case 16", "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

AeadKey key_of(const std::string& key) { return AeadKey(key.data(), kAeadKeyBytes); }
AeadNonce nonce_of(const std::string& nonce) { return AeadNonce(nonce.data(), kAeadNonceBytes); }

TEST(Aead, PublishedVectors) {
  for (const AeadRow& row : kAeadRows) {
    const std::string key = bytes(row.key);
    const std::string nonce = bytes(row.nonce);
    const std::string associated = bytes(row.associated);
    const std::string plaintext = bytes(row.plaintext);
    std::string sealed(plaintext.size() + kAeadTagBytes, '\0');
    aead_seal(key_of(key), nonce_of(nonce), associated, plaintext, sealed);
    EXPECT_EQ(hex(sealed), row.sealed) << row.source;
    std::string opened(plaintext.size(), '?');
    EXPECT_TRUE(aead_open(key_of(key), nonce_of(nonce), associated, sealed, opened)) << row.source;
    EXPECT_EQ(opened, plaintext) << row.source;
  }
}

// Flips each bit of `text` in turn and expects `opens` to be false each time.
template <class Opens>
void expect_every_bit_counts(std::string& text, const char* what, Opens opens) {
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    char& byte = text[bit / 8];
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
    EXPECT_FALSE(opens()) << what << " bit " << bit;
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
  }
  EXPECT_TRUE(opens()) << what;
}

TEST(Aead, EveryBitOfKeyNonceAssociatedDataTextAndTagCounts) {
  std::string key = bytes(kAeadRows[3].key);
  std::string nonce = bytes(kAeadRows[3].nonce);
  std::string associated = bytes(kAeadRows[3].associated);
  std::string sealed = bytes(kAeadRows[3].sealed);
  std::string opened(sealed.size() - kAeadTagBytes, '?');
  const auto opens = [&] {
    return aead_open(key_of(key), nonce_of(nonce), associated, sealed, opened);
  };
  expect_every_bit_counts(key, "key", opens);
  expect_every_bit_counts(nonce, "nonce", opens);
  expect_every_bit_counts(associated, "associated data", opens);
  expect_every_bit_counts(sealed, "sealed", opens);
}

TEST(Aead, ARefusedTextLeavesZeros) {
  const std::string key = bytes(kAeadRows[3].key);
  std::string sealed = bytes(kAeadRows[3].sealed);
  sealed.back() = static_cast<char>(sealed.back() ^ 1);
  std::string opened(sealed.size() - kAeadTagBytes, '?');
  EXPECT_FALSE(aead_open(key_of(key), nonce_of(bytes(kAeadRows[3].nonce)),
                         bytes(kAeadRows[3].associated), sealed, opened));
  EXPECT_EQ(opened, std::string(opened.size(), '\0'));
}

TEST(Aead, WhatIsShorterThanATagIsRefused) {
  const std::string key = bytes(kAeadRows[0].key);
  const std::string nonce = bytes(kAeadRows[0].nonce);
  for (std::size_t size = 0; size < kAeadTagBytes; ++size) {
    EXPECT_FALSE(aead_open(key_of(key), nonce_of(nonce), "", std::string(size, 's'), {}));
  }
}

TEST(Aead, SealsAndOpensInPlace) {
  const std::string key = bytes(kAeadRows[2].key);
  const std::string nonce = bytes(kAeadRows[2].nonce);
  std::string buffer = "sk-test-in-place";
  const std::size_t size = buffer.size();
  buffer.resize(size + kAeadTagBytes);
  aead_seal(key_of(key), nonce_of(nonce), "", std::string_view(buffer).substr(0, size), buffer);
  EXPECT_TRUE(aead_open(key_of(key), nonce_of(nonce), "", buffer, std::span(buffer.data(), size)));
  EXPECT_EQ(buffer.substr(0, size), "sk-test-in-place");
}

struct DigestRow {
  const char* source;
  std::string text;
  std::string_view digest;
};

const DigestRow kSha256Rows[] = {
    {"the empty text", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"FIPS 180-2, B.1", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"FIPS 180-2, B.2", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"FIPS 180-2, B.3", std::string(1000000, 'a'),
     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

TEST(Digest, Sha256PublishedVectors) {
  for (const DigestRow& row : kSha256Rows) {
    EXPECT_EQ(hex(text_of(sha256(row.text))), row.digest) << row.source;
    const std::size_t cut = row.text.size() / 3;
    const std::string_view pieces[] = {std::string_view(row.text).substr(0, cut), "",
                                       std::string_view(row.text).substr(cut)};
    EXPECT_EQ(hex(text_of(sha256(pieces))), row.digest) << row.source << " in pieces";
    std::string_view left = row.text;
    const auto next = [&left] {
      const std::string_view piece = left.substr(0, 1000);
      left.remove_prefix(piece.size());
      return piece;
    };
    EXPECT_EQ(hex(text_of(sha256_of_pieces(next))), row.digest) << row.source << " piece by piece";
  }
}

struct HmacRow {
  const char* source;
  std::string key, text;
  std::string_view code;
};

const HmacRow kHmacRows[] = {
    {"RFC 4231, 4.2", std::string(20, '\x0b'), "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"RFC 4231, 4.3", "Jefe", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"RFC 4231, 4.7: a key longer than a block", std::string(131, '\xaa'),
     "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
};

TEST(Digest, HmacPublishedVectors) {
  for (const HmacRow& row : kHmacRows) {
    EXPECT_EQ(hex(text_of(hmac_sha256(row.key, row.text))), row.code) << row.source;
  }
}

TEST(Digest, ConstantTimeEqualIsEqual) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("sk-test-a", "sk-test-a"));
  EXPECT_FALSE(constant_time_equal("sk-test-a", "sk-test-b"));
  EXPECT_FALSE(constant_time_equal("sk-test-a", "sk-test-"));
  EXPECT_FALSE(constant_time_equal("", "a"));
}

TEST(Digest, HexTakesTwoDigitsPerByteAndNothingElse) {
  std::string out(2, '\0');
  EXPECT_TRUE(parse_hex("0aFf", out));
  EXPECT_EQ(out, "\x0a\xff");
  for (const std::string_view digits : {"", "0", "0aF", "0aFf0", "0aFg", "0a f", "0x0a"}) {
    EXPECT_FALSE(parse_hex(digits, out)) << digits;
  }
}

TEST(Random, BytesAndSeedsDiffer) {
  std::string one(64, '\0');
  std::string two(64, '\0');
  random_fill(one);
  random_fill(two);
  EXPECT_NE(one, two);
  EXPECT_NE(random_seed(), random_seed());
  random_fill({});
}

}  // namespace
}  // namespace sluice
