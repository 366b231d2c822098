#pragma once

#include "engine/proxy/ask_account.h"

namespace sluice {

// What goes into the shard's usage journal (store/usage_event.h): before an account is asked that
// it will be, and afterwards what came of it. Without a journal (no store) all this does nothing.

// Before the first byte of a trial leaves. False when the journal has no room: then nothing was
// written and nobody may be asked, because what cannot be recorded is not spent.
[[nodiscard]] bool meter_start(Shard& shard, Exchange& exchange, Trial& trial);

// Once for each trial that was started, when it is over and its permit is not handed back yet.
// `told`: what it used is known; otherwise what was reserved goes on counting. `relayed`: its
// answer was the client's, and exchange.report tells what it used.
void meter_end(Shard& shard, Exchange& exchange, Trial& trial, bool told, bool relayed);

// After the answer: a request that was to be forwarded, and whose answer came from no trial, or was
// the error of one that had ended long before.
void meter_unserved(Shard& shard, Exchange& exchange);

// What the client is told when the journal has no room.
[[nodiscard]] Answer metering_stuck();

}  // namespace sluice
