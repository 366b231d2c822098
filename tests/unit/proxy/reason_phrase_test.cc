#include "engine/proxy/reason_phrase.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

TEST(ReasonPhrase, StatusesThatTheGatewayAnswersWithHaveOne) {
  // The table of docs of the wire, and the rules of the parsers.
  for (const int status :
       {200, 400, 401, 403, 404, 405, 408, 413, 414, 417, 429, 431, 501, 502, 503, 504, 505, 508})
    EXPECT_NE(reason_phrase(status), "Error") << status;
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(429), "Too Many Requests");
  EXPECT_EQ(reason_phrase(503), "Service Unavailable");
}

TEST(ReasonPhrase, EveryStatusHasATextThatFitsAStatusLine) {
  for (int status = 0; status < 1000; ++status) {
    const std::string_view phrase = reason_phrase(status);
    EXPECT_FALSE(phrase.empty());
    EXPECT_EQ(phrase.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz "),
              std::string_view::npos)
        << phrase;
  }
  EXPECT_EQ(reason_phrase(299), "Error");
}

}  // namespace
}  // namespace sluice
