#include "tls/session.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/tls/session_pair.h"

namespace sluice {
namespace {

constexpr TlsPeer kPeer{.host = "api.example.com", .port = 443};

class Session : public ::testing::Test {
 protected:
  TlsWorld world_;
  ServerTlsContext server_ =
      world_.server(world_.authority.issue({.dns_names = {"api.example.com"}}));
};

TEST_F(Session, HandshakeThenBytesBothWays) {
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_TRUE(pair.handshake()) << pair.client.failure() << pair.server.failure();
  EXPECT_TRUE(pair.client.established());
  EXPECT_EQ(pair.client.version(), "TLSv1.3");
  EXPECT_EQ(pair.client.alpn(), "http/1.1");
  EXPECT_EQ(pair.server.alpn(), "http/1.1");
  EXPECT_FALSE(pair.client.resumed());
  EXPECT_EQ(pair.say("GET / HTTP/1.1\r\n"), "GET / HTTP/1.1\r\n");
  EXPECT_EQ(pair.answer("HTTP/1.1 200 OK\r\n"), "HTTP/1.1 200 OK\r\n");
}

TEST_F(Session, HandshakeAndBytesOneByteAtATime) {
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_TRUE(pair.handshake(1));
  ASSERT_TRUE(pair.client.write("one byte at a time").has_value());
  std::string wire;
  std::string got;
  collect(pair.client, wire);
  deliver(pair.server, wire, got, 1);
  EXPECT_EQ(got, "one byte at a time");
}

TEST_F(Session, BytesRightBehindTheHandshakeAreFound) {
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_EQ(pair.client.handshake(), TlsStatus::kWantInput);
  collect(pair.client, pair.to_server);
  ASSERT_EQ(deliver(pair.server, pair.to_server, pair.at_server).status, TlsStatus::kWantInput);
  collect(pair.server, pair.to_client);
  ASSERT_EQ(deliver(pair.client, pair.to_client, pair.at_client).status, TlsStatus::kDone);
  ASSERT_TRUE(pair.client.write("early bird").has_value());
  EXPECT_EQ(pair.flush_to_server(), "early bird");
}

TEST_F(Session, OneMebibyteArrivesWhole) {
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_TRUE(pair.handshake());
  std::string body(1u << 20, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 2654435761u >> 13);
  EXPECT_TRUE(pair.say(body) == body);
  EXPECT_TRUE(pair.answer(body) == body);
}

TEST_F(Session, OutputBlocksGoBackWhenDrained) {
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_TRUE(pair.handshake());
  ASSERT_EQ(world_.pool.bytes_in_use(), 0u);
  ASSERT_TRUE(pair.client.write(std::string(100000, 'x')).has_value());
  EXPECT_GT(world_.pool.bytes_in_use(), 100000u);
  pair.flush_to_server();
  EXPECT_EQ(world_.pool.bytes_in_use(), 0u);
}

TEST_F(Session, ShownOutputStaysInPlaceAcrossWrites) {
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_TRUE(pair.handshake());
  ASSERT_TRUE(pair.client.write("first").has_value());
  const std::string_view shown = pair.client.output();
  const std::string before(shown);
  ASSERT_TRUE(pair.client.write(std::string(200000, 'y')).has_value());
  EXPECT_EQ(shown, before);
  EXPECT_EQ(pair.client.output().data(), shown.data());
  EXPECT_TRUE(pair.flush_to_server() == "first" + std::string(200000, 'y'));
}

TEST_F(Session, SmallPiecesShareARecord) {
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_TRUE(pair.handshake());
  const std::string_view pieces[] = {"GET /", "", "v1", " HTTP/1.1\r\n"};
  ASSERT_TRUE(pair.client.write(pieces).has_value());
  // One TLS 1.3 record: 5 bytes of header, the text, 1 byte of type, 16 of tag (RFC 8446, 5.2).
  EXPECT_EQ(pair.client.output_bytes(), 5u + 18 + 1 + 16);
  EXPECT_EQ(pair.flush_to_server(), "GET /v1 HTTP/1.1\r\n");
}

struct GatherRow {
  const char* rule;
  std::vector<std::size_t> sizes;
  std::size_t records;
};

TEST_F(Session, PiecesBecomeAsFewRecordsAsTheyNeed) {
  const GatherRow rows[] = {
      {"nothing is no record", {}, 0},
      {"an empty piece is no record", {0, 0}, 0},
      {"one byte is one record", {1}, 1},
      {"16 KiB fit one record", {16384}, 1},
      {"one byte more is a second", {16385}, 2},
      {"a head joins the body's first record", {300, 16084}, 1},
      {"a head pushes the body's end into a second", {300, 16384}, 2},
      {"a large middle piece is filled up, then split", {100, 50000, 100}, 4},
      {"a whole record first, its rest gathered with the next", {16390, 10}, 2},
  };
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_TRUE(pair.handshake());
  pair.flush_to_server();
  for (const GatherRow& row : rows) {
    std::string all;
    std::vector<std::string> texts;
    std::vector<std::string_view> pieces;
    for (const std::size_t size : row.sizes) {
      texts.emplace_back(size, static_cast<char>('a' + texts.size()));
      all += texts.back();
    }
    for (const std::string& text : texts) pieces.emplace_back(text);
    const auto written = pair.client.write(pieces);
    ASSERT_TRUE(written.has_value()) << row.rule;
    EXPECT_EQ(*written, all.size()) << row.rule;
    EXPECT_EQ(pair.client.output_bytes(), all.size() + row.records * 22) << row.rule;
    EXPECT_TRUE(pair.flush_to_server() == all) << row.rule;
  }
}

TEST_F(Session, WriteGoesOnFromAnOffset) {
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_TRUE(pair.handshake());
  const std::string body(50000, 'b');
  const std::string_view pieces[] = {"head ", body, " tail"};
  const std::string all = "head " + body + " tail";
  std::string got;
  std::size_t offset = 0;
  while (true) {
    const auto taken = pair.client.write(pieces, offset, 7001);
    ASSERT_TRUE(taken.has_value());
    if (*taken == 0) break;
    EXPECT_LE(*taken, 7001u);
    offset += *taken;
    got += pair.flush_to_server();
  }
  EXPECT_EQ(offset, all.size());
  EXPECT_TRUE(got == all);
}

TEST_F(Session, ReadStopsWhenOutIsFull) {
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_TRUE(pair.handshake());
  ASSERT_TRUE(pair.client.write("0123456789").has_value());
  collect(pair.client, pair.to_server);
  pair.server.set_input(pair.to_server);
  char out[4];
  TlsRead read = pair.server.read(out);
  EXPECT_EQ(std::string_view(out, read.bytes), "0123");
  EXPECT_EQ(read.state, TlsReadState::kMore);
  read = pair.server.read(out);
  EXPECT_EQ(std::string_view(out, read.bytes), "4567");
  EXPECT_EQ(read.state, TlsReadState::kMore);
  read = pair.server.read(out);
  EXPECT_EQ(std::string_view(out, read.bytes), "89");
  EXPECT_EQ(read.state, TlsReadState::kWantInput);
}

TEST_F(Session, CloseNotifyIsACleanEndBehindTheBytes) {
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_TRUE(pair.handshake());
  ASSERT_TRUE(pair.server.write("last words").has_value());
  pair.server.close_notify();
  pair.server.close_notify();
  EXPECT_EQ(pair.flush_to_client(), "last words");
  EXPECT_EQ(pair.client_read, TlsReadState::kClosed);
  // The other direction is still open.
  EXPECT_EQ(pair.say("thanks"), "thanks");
  pair.client.end_input();
  char out[16];
  EXPECT_EQ(pair.client.read(out).state, TlsReadState::kClosed);
}

TEST_F(Session, EndWithoutCloseNotifyIsTruncation) {
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_TRUE(pair.handshake());
  EXPECT_EQ(pair.answer("half of"), "half of");
  pair.client.end_input();
  char out[16];
  const TlsRead read = pair.client.read(out);
  EXPECT_EQ(read.bytes, 0u);
  EXPECT_EQ(read.state, TlsReadState::kTruncated);
  EXPECT_EQ(pair.client.failure(), "connection closed without close_notify");
  EXPECT_EQ(pair.client.error().code, Errc::kTlsBroken);
  EXPECT_EQ(pair.client.error().side, Side::kUpstream);
}

TEST_F(Session, EndInsideARecordIsTruncation) {
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_TRUE(pair.handshake());
  pair.answer("the tickets come with this");
  ASSERT_TRUE(pair.server.write("cut in two").has_value());
  pair.server.close_notify();
  collect(pair.server, pair.to_client);
  pair.to_client.resize(12);
  std::string got;
  deliver(pair.client, pair.to_client, got);
  pair.client.end_input();
  char out[16];
  EXPECT_EQ(pair.client.read(out).state, TlsReadState::kTruncated);
  EXPECT_EQ(got, "");
}

TEST_F(Session, EndDuringTheHandshakeFailsIt) {
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_EQ(pair.client.handshake(), TlsStatus::kWantInput);
  pair.client.end_input();
  EXPECT_EQ(pair.client.handshake(), TlsStatus::kFailed);
  EXPECT_EQ(pair.client.failure(), "connection closed during the TLS handshake");
  EXPECT_EQ(pair.client.error().code, Errc::kTlsHandshakeFailed);
  EXPECT_EQ(pair.client.error().retry, Retry::kSafe);
}

TEST_F(Session, EveryBitOfARecordCounts) {
  for (std::size_t bit = 0; bit < (5 + 4 + 1 + 16) * 8; ++bit) {
    SessionPair pair(world_.client, kPeer, server_, world_.pool);
    ASSERT_TRUE(pair.handshake());
    pair.answer("the tickets come with this");
    ASSERT_TRUE(pair.server.write("data").has_value());
    collect(pair.server, pair.to_client);
    ASSERT_EQ(pair.to_client.size(), 26u);
    pair.to_client[bit / 8] = static_cast<char>(pair.to_client[bit / 8] ^ (1 << (bit % 8)));
    std::string got;
    TlsReadState state = deliver(pair.client, pair.to_client, got).read;
    if (state == TlsReadState::kWantInput) {  // the flipped length asks for more bytes than came
      pair.client.end_input();
      char out[16];
      state = pair.client.read(out).state;
      EXPECT_EQ(state, TlsReadState::kTruncated) << bit;
    } else {
      EXPECT_EQ(state, TlsReadState::kFailed) << bit;
      EXPECT_EQ(pair.client.error().code, Errc::kTlsBroken) << bit;
      EXPECT_FALSE(pair.client.write("more").has_value()) << bit;
    }
    EXPECT_EQ(got, "") << bit;
  }
}

TEST_F(Session, AFailureTellsThePeerByAlert) {
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_TRUE(pair.handshake());
  pair.answer("the tickets come with this");
  ASSERT_TRUE(pair.server.write("data").has_value());
  collect(pair.server, pair.to_client);
  pair.to_client.back() = static_cast<char>(pair.to_client.back() ^ 1);
  std::string got;
  EXPECT_EQ(deliver(pair.client, pair.to_client, got).read, TlsReadState::kFailed);
  EXPECT_EQ(pair.client.failure(), "a record does not decrypt");
  EXPECT_EQ(pair.flush_to_server(), "");
  EXPECT_EQ(pair.server_read, TlsReadState::kFailed);
  EXPECT_EQ(pair.server.failure(), "the peer ended it with alert: bad record mac");
  EXPECT_EQ(pair.server.error().side, Side::kDownstream);
}

TEST_F(Session, BytesBehindTheEndAreDropped) {
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_TRUE(pair.handshake());
  pair.server.close_notify();
  collect(pair.server, pair.to_client);
  pair.to_client += "and then some";
  char out[16];
  for (int i = 0; i < 3; ++i) {
    pair.client.set_input(pair.to_client);
    EXPECT_EQ(pair.client.read(out).state, TlsReadState::kClosed);
    EXPECT_EQ(pair.client.input_left(), 0u);
  }
}

TEST_F(Session, BytesBehindAFailureAreDropped) {
  const std::string noise(100, 'x');
  TlsSession server(server_, world_.pool);
  for (int i = 0; i < 3; ++i) {
    server.set_input(noise);
    EXPECT_EQ(server.handshake(), TlsStatus::kFailed);
    EXPECT_EQ(server.input_left(), 0u);
  }
  SessionPair pair(world_.client, kPeer, server_, world_.pool);
  ASSERT_TRUE(pair.handshake());
  char out[16];
  for (int i = 0; i < 3; ++i) {
    pair.client.set_input(noise);
    EXPECT_EQ(pair.client.read(out).state, TlsReadState::kFailed);
    EXPECT_EQ(pair.client.input_left(), 0u);
  }
}

TEST_F(Session, PlainHttpOnATlsPortIsToldAsSuch) {
  TlsSession server(server_, world_.pool);
  server.set_input(std::string_view("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(server.handshake(), TlsStatus::kFailed);
  EXPECT_EQ(server.failure(), "plain HTTP request on a TLS port");
}

TEST_F(Session, PlainHttpFromAnUpstreamIsToldAsSuch) {
  TlsSession client(world_.client, kPeer, world_.pool);
  EXPECT_EQ(client.handshake(), TlsStatus::kWantInput);
  client.set_input(std::string_view("HTTP/1.1 400 Bad Request\r\n\r\n"));
  EXPECT_EQ(client.handshake(), TlsStatus::kFailed);
  EXPECT_EQ(client.failure(), "the peer does not speak TLS on this port");
}

}  // namespace
}  // namespace sluice
