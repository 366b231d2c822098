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

TEST(ReasonPhrase, StatusesOfTheAdminInterfaceAndOfProvidersHaveOneToo) {
  for (const int status :
       {201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 402, 406, 407, 409, 410,
        411, 412, 415, 416, 421, 422, 423, 424, 425, 426, 428, 451, 500, 507, 511})
    EXPECT_NE(reason_phrase(status), "Error") << status;
  EXPECT_EQ(reason_phrase(412), "Precondition Failed");
  EXPECT_EQ(reason_phrase(409), "Conflict");
}

TEST(ReasonPhrase, EveryStatusHasATextThatFitsAStatusLine) {
  for (int status = 0; status < 1000; ++status) {
    const std::string_view phrase = reason_phrase(status);
    EXPECT_FALSE(phrase.empty());
    EXPECT_EQ(phrase.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz -"),
              std::string_view::npos)
        << phrase;
  }
  EXPECT_EQ(reason_phrase(299), "Error");
}

}  // namespace
}  // namespace sluice
