#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/proxy/body_decoder.h"
#include "parser/http1_request.h"
#include "tests/sim/kernel/sim_exchange.h"
#include "tests/sim/kernel/sim_peer.h"

namespace sluice {

// SimFindings - what was found wrong in a run, in sentences.
using SimFindings = std::vector<std::string>;

// SimBook - all exchanges of a run by their ids, for the providers.
struct SimBook {
  std::map<std::string, SimExchange*, std::less<>> exchanges;
  SimFindings findings;
  bool hedges = false;  // requests may be sent to two providers at once
};

// How a provider answers one attempt.
enum class SimManner : std::uint8_t {
  kGood,
  kRefuses,       // 429 or 500, whole
  kEarlyRefusal,  // 400 before the body is read
  kBreaks,        // a good answer that is cut off
  kGarbage,       // no HTTP
  kSilent,        // never answers
  kDeaf,          // stops reading in the middle of the request
  kTalksOn,       // a good answer, and bytes behind its end
};

class SimProvider;

// SimProviderConnection - one connection of the gateway to a provider.
class SimProviderConnection final : public SimPeer {
 public:
  SimProviderConnection(SimNet& net, std::uint64_t seed, SimBook& book, SimProvider& provider)
      : SimPeer(net, seed), book_(&book), provider_(&provider) {}

 private:
  void on_bytes(std::string_view bytes) override;
  void on_end(bool) override { do_now(Then::kClose); }
  void on_step_said() override;

  [[nodiscard]] bool begin_request();
  void end_request();
  void plan_manner();
  void answer_well();
  void say_answer(const std::string& status_line, const std::string& body, bool event_stream);
  void say_in_pieces(const std::string& text, Then then);
  void refuse(int status);
  void find(const std::string& what);

  SimBook* book_;
  SimProvider* provider_;
  SimExchange* exchange_ = nullptr;  // being asked or answered
  SimManner manner_ = SimManner::kGood;
  std::string text_;  // not yet understood
  std::string body_;
  std::optional<BodyDecoder> decoder_;
  bool answering_ = false;
  bool stops_ = false;  // takes no further request
};

// SimProvider - the machine behind one account.
class SimProvider final : private SimListener {
 public:
  SimProvider(SimNet& net, std::uint64_t seed, SimBook& book, const std::string& address)
      : net_(&net), prng_(seed), book_(&book) {
    net.listen(address, this);
  }

  void note_asked() { asked_at_.push_back(net_->clock().now()); }
  // True when some span of `window` has seen more than `limit` requests.
  [[nodiscard]] bool was_asked_too_often(std::uint32_t limit, Duration window) const;

 private:
  void on_connection(SimEnd& end) override;
  SimNet* net_;
  Prng prng_;
  SimBook* book_;
  std::vector<std::unique_ptr<SimProviderConnection>> connections_;
  std::vector<Instant> asked_at_;
};

}  // namespace sluice
