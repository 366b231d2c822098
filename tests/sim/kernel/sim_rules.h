#pragma once

#include "tests/sim/kernel/sim_client.h"
#include "tests/sim/kernel/sim_provider.h"

namespace sluice {

// What a run was like, as far as it changes what may be expected.
struct SimCircumstances {
  bool calm = false;         // no fault but those of the kernel: nothing may go wrong
  bool hedges = false;       // of two providers at once one may win that breaks its answer off
  bool cut = false;          // the drain began while clients were still asking
  Duration comment_after{};  // between two comments in a silent stream
};

// Judges what one client has got: every request answered once, in order, with the right bytes.
void judge_client(const SimClient& client, const SimCircumstances& circumstances,
                  SimFindings& findings);

}  // namespace sluice
