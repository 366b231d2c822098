#include "tools/mock/wire_plan.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>

namespace sluice {
namespace {

MockAnswer json_answer(std::string body) {
  MockAnswer answer;
  answer.body = std::move(body);
  return answer;
}

MockAnswer stream_answer() {
  MockAnswer answer;
  answer.stream = true;
  answer.content_type = "text/event-stream";
  answer.events = {{"data: 1\n\n", {}}, {"data: 2\n\n", {}}, {"data: 3\n\n", {}}};
  return answer;
}

WirePlan plan_of(const MockAnswer& answer, std::string_view directives = {},
                 WireRequest request = {}) {
  Behaviour behaviour;
  EXPECT_EQ(apply_directives(behaviour, directives), std::nullopt) << directives;
  MockAnswer changed = answer;
  changed.status = behaviour.head.status;
  return plan_answer(changed, behaviour, request, 784'111'777);  // RFC 9110's example date
}

std::string bytes_of(const WirePlan& plan) {
  std::string bytes;
  for (const WireStep& step : plan.steps) bytes += step.bytes;
  return bytes;
}

std::string body_of(const WirePlan& plan) {
  const std::string bytes = bytes_of(plan);
  const std::size_t end = bytes.find("\r\n\r\n");
  return end == bytes.npos ? std::string() : bytes.substr(end + 4);
}

bool is_whole(const WirePlan& plan) {
  return std::any_of(plan.steps.begin(), plan.steps.end(),
                     [](const WireStep& step) { return step.answer_done; });
}

TEST(WirePlan, AJsonAnswerIsOneSend) {
  const WirePlan plan = plan_of(json_answer("{}"));
  ASSERT_EQ(plan.steps.size(), 1u);
  EXPECT_TRUE(plan.steps[0].head_done);
  EXPECT_TRUE(plan.steps[0].answer_done);
  EXPECT_EQ(plan.end, WireEnd::kKeep);
  EXPECT_EQ(plan.steps[0].bytes,
            "HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\nserver: sluice-mock\r\n"
            "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}");
}

TEST(WirePlan, AStreamIsAChunkPerEventAndASendPerPause) {
  const WirePlan plan = plan_of(stream_answer(), "gap=20ms;latency=5ms");
  ASSERT_EQ(plan.steps.size(), 3u);
  EXPECT_EQ(plan.steps[0].pause, 5ms);
  EXPECT_EQ(plan.steps[1].pause, 20ms);
  EXPECT_EQ(plan.steps[1].bytes, "9\r\ndata: 2\n\n\r\n");
  EXPECT_EQ(plan.steps[2].bytes, "9\r\ndata: 3\n\n\r\n0\r\n\r\n");
  EXPECT_TRUE(plan.steps[0].head_done);
  EXPECT_TRUE(plan.steps[2].answer_done);
}

struct FramingRow {
  const char* rule;
  const char* directives;
  WireRequest request;
  const char* must_hold;
  const char* body;
  WireEnd end;
};
constexpr FramingRow kFramingRows[] = {
    {"chunked on demand",
     "framing=chunked",
     {},
     "transfer-encoding: chunked\r\n",
     "2\r\n{}\r\n0\r\n\r\n",
     WireEnd::kKeep},
    {"until close", "framing=close", {}, "connection: close\r\n", "{}", WireEnd::kClose},
    {"as HTTP/1.0", "framing=http10", {}, "HTTP/1.0 200 OK\r\n", "{}", WireEnd::kClose},
    {"no chunks for 1.0 (RFC 9112 6.1)",
     "framing=chunked",
     {.minor_version = 0},
     "connection: close\r\n",
     "{}",
     WireEnd::kClose},
    {"the client's close is answered",
     "",
     {.close = true},
     "connection: close\r\n",
     "{}",
     WireEnd::kClose},
    {"HEAD has a length and no body",
     "",
     {.head_request = true},
     "content-length: 2\r\n",
     "",
     WireEnd::kKeep},
    {"204 has neither", "status=204", {}, "HTTP/1.1 204 No Content\r\n", "", WireEnd::kKeep},
    {"304 has neither", "status=304", {}, "HTTP/1.1 304 Not Modified\r\n", "", WireEnd::kKeep},
    {"a trailer",
     "framing=chunked;trailer",
     {},
     "trailer: x-mock-trailer\r\n",
     "2\r\n{}\r\n0\r\nx-mock-trailer: seen\r\n\r\n",
     WireEnd::kKeep},
    {"an extension",
     "framing=chunked;chunk-extension",
     {},
     "chunked",
     "2;mock=\"an extension\"\r\n{}\r\n0\r\n\r\n",
     WireEnd::kKeep},
    {"silent close", "close-silent", {}, "content-length: 2\r\n", "{}", WireEnd::kClose},
    {"extra bytes",
     "extra=HTTP/1.1 408",
     {},
     "content-length: 2\r\n",
     "{}HTTP/1.1 408",
     WireEnd::kKeep},
    {"a field replaces ours",
     "header=Server: other",
     {},
     "\r\nServer: other\r\n",
     "{}",
     WireEnd::kKeep},
};

TEST(WirePlan, LaysTheAnswerOutInEveryFraming) {
  for (const FramingRow& row : kFramingRows) {
    const WirePlan plan = plan_of(json_answer("{}"), row.directives, row.request);
    EXPECT_NE(bytes_of(plan).find(row.must_hold), std::string::npos)
        << row.rule << ": " << bytes_of(plan);
    EXPECT_EQ(body_of(plan), row.body) << row.rule;
    EXPECT_EQ(plan.end, row.end) << row.rule;
    EXPECT_TRUE(is_whole(plan)) << row.rule;
  }
}

struct PointRow {
  const char* rule;
  const char* directives;
  const char* body;  // what of it is sent
  WireEnd end;
};
constexpr PointRow kPointRows[] = {
    {"before the head", "abort=rst", "", WireEnd::kReset},
    {"after the head", "abort=fin;abort-at=head", "", WireEnd::kCut},
    {"after no event", "abort=fin;abort-at=event:0", "", WireEnd::kCut},
    {"after an event", "abort=rst;abort-at=event:2", "9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n",
     WireEnd::kReset},
    {"inside a chunk", "abort=fin;abort-at=byte:11", "9\r\ndata: 1\n\n\r\n9\r\nda", WireEnd::kCut},
    {"before the last chunk", "abort=fin;abort-at=end",
     "9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n9\r\ndata: 3\n\n\r\n", WireEnd::kCut},
};

TEST(WirePlan, BreaksOffAtEveryPoint) {
  for (const PointRow& row : kPointRows) {
    const WirePlan plan = plan_of(stream_answer(), row.directives);
    EXPECT_EQ(body_of(plan), row.body) << row.rule;
    EXPECT_EQ(plan.end, row.end) << row.rule;
    EXPECT_FALSE(is_whole(plan)) << row.rule;
  }
  EXPECT_TRUE(plan_of(stream_answer(), "abort=rst").steps.empty());
}

TEST(WirePlan, ATruncatedBodyStillAnnouncesItsWholeLength) {
  const WirePlan plan = plan_of(json_answer("{\"a\":1}"), "truncate=3");
  EXPECT_NE(bytes_of(plan).find("content-length: 7\r\n"), std::string::npos);
  EXPECT_EQ(body_of(plan), "{\"a");
  EXPECT_EQ(plan.end, WireEnd::kCut);
}

TEST(WirePlan, StallsAtItsPointAndGoesOn) {
  const WirePlan plan = plan_of(stream_answer(), "stall=3s;stall-at=byte:4");
  ASSERT_EQ(plan.steps.size(), 2u);
  EXPECT_TRUE(plan.steps[0].bytes.ends_with("9\r\ndata"));
  EXPECT_EQ(plan.steps[1].pause, 3s);
  EXPECT_TRUE(plan.steps[1].bytes.starts_with(": 1\n\n\r\n9\r\n"));
  const WirePlan late = plan_of(stream_answer(), "stall=3s;abort=rst");
  ASSERT_EQ(late.steps.size(), 1u);
  EXPECT_EQ(late.steps[0].pause, 3s);
  EXPECT_TRUE(late.steps[0].bytes.empty());
  EXPECT_EQ(late.end, WireEnd::kReset);
}

TEST(WirePlan, CutsItsSendsAsAsked) {
  const WirePlan drip = plan_of(json_answer("abc"), "drip=100ms");
  ASSERT_EQ(drip.steps.size(), 4u);
  EXPECT_EQ(drip.steps[3].bytes, "c");
  EXPECT_EQ(drip.steps[3].pause, 100ms);
  const WirePlan pieces = plan_of(json_answer("abc"), "write-bytes=7");
  for (std::size_t i = 0; i + 1 < pieces.steps.size(); ++i) {
    EXPECT_EQ(pieces.steps[i].bytes.size(), 7u);
  }
  EXPECT_EQ(bytes_of(pieces), bytes_of(plan_of(json_answer("abc"))));
  EXPECT_EQ(plan_of(stream_answer(), "sse-event-split").steps.size(), 4u);
  const WirePlan slow_head = plan_of(json_answer("abc"), "drip-head=1ms");
  EXPECT_TRUE(slow_head.steps.back().bytes.starts_with("\nabc"));
}

TEST(WirePlan, InterimAnswersComeFirstEachForItself) {
  const WirePlan plan = plan_of(json_answer("{}"), "informational=103*2");
  ASSERT_EQ(plan.steps.size(), 3u);
  EXPECT_TRUE(plan.steps[1].bytes.starts_with("HTTP/1.1 103 Early Hints\r\nlink: "));
  EXPECT_FALSE(plan.steps[1].head_done);
  EXPECT_TRUE(plan.steps[2].head_done);
}

std::string gunzipped(const std::string& bytes) {
  z_stream zip{};
  EXPECT_EQ(inflateInit2(&zip, MAX_WBITS + 16), Z_OK);
  std::string text(64 * 1024, '\0');
  std::string source = bytes;
  zip.next_in = reinterpret_cast<Bytef*>(source.data());
  zip.avail_in = static_cast<uInt>(source.size());
  zip.next_out = reinterpret_cast<Bytef*>(text.data());
  zip.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&zip, Z_FINISH), Z_STREAM_END);
  text.resize(text.size() - zip.avail_out);
  inflateEnd(&zip);
  return text;
}

TEST(WirePlan, CompressesWholeAnswersAndStreams) {
  EXPECT_EQ(gunzipped(body_of(plan_of(json_answer("{\"a\":1}"), "gzip"))), "{\"a\":1}");
  EXPECT_EQ(gunzipped(body_of(plan_of(stream_answer(), "gzip;framing=close"))),
            "data: 1\n\ndata: 2\n\ndata: 3\n\n");
}

struct MalformedRow {
  const char* kind;
  std::string_view must_hold;
  bool stream;
};
constexpr MalformedRow kMalformedRows[] = {
    {"status-line", "HTTP/1.1 abc OK\r\n", false},
    {"no-status", "HTTP/1.1\r\n", false},
    {"status-99", "HTTP/1.1 99 ", false},
    {"status-1000", "HTTP/1.1 1000 ", false},
    {"version", "HTTP/2.0 200", false},
    {"garbage", "no HTTP", false},
    {"header-no-colon", "\r\nx-mock-no-colon\r\n", false},
    {"header-space", "x-mock-space : ", false},
    {"header-fold", "one\r\n two", false},
    {"header-nul", std::string_view("a\0b\r\n", 5), false},
    {"header-control", "a\x01z", false},
    {"header-name", "x-mock(name): ", false},
    {"bare-lf", "OK\ndate", false},
    {"bare-cr", "a\rb", false},
    {"cl-te", "content-length: 2\r\ntransfer-encoding: chunked\r\n", false},
    {"two-lengths", "content-length: 2\r\ncontent-length: 3\r\n", false},
    {"length-list", "content-length: 2, 2\r\n", false},
    {"length-sign", "content-length: +2\r\n", false},
    {"length-negative", "content-length: -2\r\n", false},
    {"length-text", "content-length: 2x\r\n", false},
    {"length-overflow", "content-length: 99999999999999999999\r\n", false},
    {"te-unknown", "transfer-encoding: gzip, chunked\r\n", false},
    {"te-twice", "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", false},
    {"huge-head", "x-mock-huge: hhh", false},
    {"many-fields", "x-mock-199: many", false},
    {"long-field", "x-mock-long: lll", false},
    {"chunk-size", "\r\nzz\r\n", true},
    {"chunk-overflow", "\r\nfffffffffffffffff\r\n", true},
    {"chunk-lf", "\r\n9\ndata", true},
    {"chunk-no-crlf", "data: 1\n\n9\r\n", true},
    {"chunk-sign", "\r\n+9\r\n", true},
    {"no-last-chunk", "data: 3\n\n\r\n", true},
};

TEST(WirePlan, IsMalformedInEveryWayAndEndsTheConnection) {
  for (const MalformedRow& row : kMalformedRows) {
    const WirePlan plan = plan_of(row.stream ? stream_answer() : json_answer("{}"),
                                  std::string("malformed=") + row.kind);
    EXPECT_NE(bytes_of(plan).find(row.must_hold), std::string::npos) << row.kind;
    EXPECT_EQ(plan.end, WireEnd::kClose) << row.kind;
  }
  EXPECT_FALSE(
      bytes_of(plan_of(stream_answer(), "malformed=no-last-chunk")).ends_with("0\r\n\r\n"));
  EXPECT_NE(bytes_of(plan_of(json_answer(""), "status=204;malformed=bodiless-length"))
                .find("content-length: 5\r\n"),
            std::string::npos);
}

TEST(WirePlan, RawBytesStandForTheWholeAnswer) {
  const WirePlan plan = plan_of(json_answer("{}"), "raw=HTTP/9.9%20hello;latency=1ms");
  ASSERT_EQ(plan.steps.size(), 1u);
  EXPECT_EQ(plan.steps[0].bytes, "HTTP/9.9 hello");
  EXPECT_EQ(plan.steps[0].pause, 1ms);
  EXPECT_EQ(plan.end, WireEnd::kClose);
  EXPECT_EQ(plan.status, 0);
}

}  // namespace
}  // namespace sluice
