/**
 * Limits in one file. Everything that a stranger can make grow is bounded here; each number says where it comes from.
 */

// Frames.

/** A batch of 1,024 orders of three lines is about 300 KiB in JSON; one order of 100 long lines is 9 KiB. */
export const frameBytesMax = 1024 * 1024;

/** Batch, request, params, lines, line are 5 deep; three more for what methods may need. */
export const nestingMax = 8;

/** Requests in one frame. Also what one connection can put into a single turn of the event loop by one write. */
export const batchMax = 1024;

/** Fields of one map: `order.place` has 9. Bounds the comparison of every key with every other to 32 * 31 / 2. */
export const mapFieldsMax = 32;

/** Elements of one array in a request; the schemas narrow it further. No array is longer than a batch. */
export const arrayItemsMax = batchMax;

/** Characters of a request's id when it is a string. */
export const requestIdCharsMax = 64;

// Connections.

/** Requests of one connection that have no answer yet: four full batches keep a pipeline full at any fsync time seen. */
export const inFlightMax = 4096;

/**
 * Requests with a key that one connection gets looked up while the server drains, a full batch: enough to learn what became of
 * those without an answer, and no way to keep the server from ending.
 */
export const drainLookupsMax = 1024;

/** Told to a caller who has `inFlightMax` requests open: a few commits later some of them are answered. */
export const retryAfterMs = 50;

/**
 * Bytes of answers and pushes kept for one connection: in the outbox of each shard until they may leave, and in its
 * socket until the peer takes them. Beyond it the connection is closed.
 * Must hold the answers of `inFlightMax` usual orders (about 400 bytes each, 1.6 MiB) several times.
 */
export const sendBufferBytesMax = 8 * 1024 * 1024;

/** An array frame of answers is ended when it is longer than this, so that a client's own frame limit is not met. */
export const answerFrameBytes = 256 * 1024;

/** Time in which one turn of the event loop reads frames; the last of them may take some milliseconds more. */
export const intakeMsPerTurn = 4;

/** Time in which a turn reads short frames as they come although others wait, one of each sender: some hundred of one order. */
export const smallMsPerTurn = 2;

/** How long such a frame may be: a handful of requests. */
export const smallFrameBytes = 2048;

/** Requests of a frame that are told what is wrong with them before it is somebody else's turn: at up to 50 us each, 3 ms. */
export const explainedPerTurn = 64;

/** Bytes of frames that wait for one connection: `inFlightMax` orders of three lines fit several times. Beyond it it is closed. */
export const intakeBytesMax = 8 * 1024 * 1024;

/** The same for all connections: sixteen of them. */
export const intakesBytesMax = 16 * intakeBytesMax;

/**
 * Bytes that wait in the sockets of all peers together; past it the one with the most is cut off. Sixteen that read nothing at
 * all; a buffer may take twice as much memory while it grows.
 */
export const sendBuffersBytesMax = 16 * sendBufferBytesMax;

/** How long a peer that reads too slowly has to take what waits for it, and its close code; then it is cut off. */
export const slowReaderGraceMs = 2000;

/** WebSockets of one process. An idle one has no buffer; each is a file descriptor, and systemd gives 16,384 or more. */
export const connectionsMax = 10_000;

/** WebSockets of one address: a stranger leaves room for others, a shop behind one address has enough. */
export const addressConnectionsMax = 8192;

/**
 * TCP connections of one process: WebSockets and as many that speak HTTP. Fewer when the process may not have so many files open
 * (`filesForConnections`). One that sends no request is closed after 10 seconds by uWebSockets.js.
 */
export const tcpConnectionsMax = 2 * connectionsMax;

/** Seconds without a byte from a peer (pings are sent by us) until its connection is closed. */
export const idleSeconds = 120;

// HTTP.

/** Open requests of one process. A connection has one at a time, and there may be as many as there are WebSockets. */
export const httpOpenMax = connectionsMax;

/**
 * Bytes of request bodies that are waiting for their ends. One that comes in one piece, as small ones do, is never kept; so
 * this is for 64 of the largest, and for strangers who send slowly.
 */
export const httpBodyBytesMax = 64 * frameBytesMax;

/** Seconds by which the clock of a payment provider may differ from ours, and for which a notification is fresh. */
export const signatureAgeSecondsMax = 300;

// Requests.

/** Lines of one order. */
export const linesMax = 100;

/** Adjustments of a line, and of an order. */
export const adjustmentsMax = 20;

/** Units of one product in stock; a thousand lines of `qtyMax`. */
export const stockMax = 1_000_000_000;

/** Entries of one page of a list. */
export const pageMax = 500;

/** Characters of what a provider calls a payment, and of what it says that it is for: of a bank's transfer the payer's own words. */
export const paymentTextMax = 256;

/** Texts by name that an order may bear: its metadata, its address. */
export const textsMax = 16;

/** How long an order may hold its lines. */
export const payWithinMsMin = 1_000;
export const payWithinMsMax = 86_400_000;

/** A request may ask to be dropped when it waited this long; more than a day is a mistake. */
export const deadlineMsMax = 86_400_000;

/** A start is refused when the log is further ahead of the wall clock than this: two machines' clocks differ by less. */
export const clockAheadMsMax = 60_000;

/** A step forward of the clock by more than this counts as a jump: smaller ones are corrections. */
export const clockJumpMs = 60_000;

/** How often a loop with nothing to do looks whether the wall clock was stepped: whatever is due then happens within a second. */
export const clockLookMs = 250;

/** How far a caller's clock may be ahead when it says when it first made a request. */
export const atAheadMsMax = 86_400_000;

/** The end of the year 9999, ms since the epoch: what is later was meant in microseconds. */
export const timeMsMax = 253_402_300_799_999;

/** 50 years: a sale that is said to have begun before that has its time in seconds, which are in 1970. */
export const saleStartAgeMsMax = 1_577_836_800_000;

// Names.

/** Accounts of one shard that were asked for and never opened: at 1 KiB each, and a name is never forgotten. */
export const accountsUnopenedMax = 16_384;

// The shard's loop.

/** Commands that wait in one lane of a shard's mailbox: at 100,000 orders a second, two thirds of a second of them. */
export const mailboxMax = 65_536;

/**
 * Commands that one connection may have waiting in a full lane: those who fill it are refused, whoever asks for little is
 * not. So a lane holds `mailboxMax` and so many for each connection at the most.
 */
export const mailboxShare = 64;

/** Commands of one connection that run before it is somebody else's turn: about a tenth of a millisecond. */
export const mailboxTurn = 16;

/**
 * Engine time that the turns of one group may take, after which it is written. Whoever comes meanwhile waits for the rest of
 * it, and a group of so much work hides the cost of its fsync already (2 ms on the disk that this was measured on). With half of it
 * a neighbour of a flood waits a fifth less, and the flood gets a sixth less done.
 */
export const groupMicrosMax = 8_000;

/** Turns of one group, whatever the clock says. */
export const groupTurnsMax = 8192;

/** Bytes of one group, after which it is written: 1 MiB is about 2 ms on the disk that this was measured on. */
export const groupBytesMax = 1024 * 1024;

/** Keys dropped in one step: dropping is never the reason why a buyer waits. */
export const keysDroppedPerStep = 1000;

/** Issued tokens of a shard whose account is remembered, for a day: some 100 bytes each. */
export const tokenClaimsMax = 1_000_000;

/** How long an issued token may be used for the first time. */
export const tokenLifeMs = 86_400_000;

/** An order that could not be archived yet is looked at again after so long; nobody waits for it. */
export const archiveRetryMs = 60_000;

/** Bytes of the log that one step reads to bring late subscribers up to date, all of them: about 3,000 facts, 1 ms. */
export const feedReplayBytesPerStep = 64 * 1024;

/** Events that one step gives them from it. Encoding one takes a microsecond, and a step is to stay at a few milliseconds. */
export const feedReplayPushesPerStep = 2048;

/** What opening the log at a place counts for, in bytes read: so one step looks at 16 places at the most. */
export const feedReadBytes = 4 * 1024;

/** Subscriptions of one shard. */
export const subscriptionsMax = 100_000;

/** Subscriptions of one connection on one shard: as many as one frame can ask for. */
export const connectionSubscriptionsMax = batchMax;

/** Subscriptions of one connection to the same topic: each event of it is encoded so many times for one reader. */
export const topicSubscriptionsMax = 8;

// Questions to the read side: lists, histories, statements, archived orders.

/** Questions of a shard that are with the read side at once: one is answered while the next is on its way. */
export const readOutMax = 2;

/** Rows asked for at once; a longer page is put together from several. An order with its lines takes 30 us, so 2 ms. */
export const readRowsPerTurn = 50;

/** Questions that wait. At 500 a second half a minute of them, so their deadline comes before it is full. */
export const readQuestionsMax = 16_384;

/** Of them that a connection may have although so many wait. */
export const readQuestionsShare = 64;

/** How long a question may wait for its turn, ms. */
export const readWaitMsMax = 10_000;

// Channels between shards.

/** Bytes of messages in one frame. */
export const channelFrameBytes = 64 * 1024;

/** A frame that is not acknowledged for so long is sent again. Cheap, because the receiver's cursor drops what it has. */
export const channelRetryMs = 200;

// Calls to functions outside the engine, and items for a human.

/** Calls of one shard that are out at once; more wait. Each is a promise and a timer of the process. */
export const callsOutMax = 1024;

/** Characters kept of why a call failed. */
export const callErrorCharsMax = 500;

/** Characters kept of what a provider calls a refund. */
export const refCharsMax = 200;

/** Items for a human that are resolved and still kept by a shard, the newest ones. All of them are in the log. */
export const itemsResolvedMax = 10_000;

// Transactions across actors.

/** How long a transaction may be undecided: thirty days, for steps that people do. */
export const transactionMsMax = 2_592_000_000;

/** Characters of a transaction's input as JSON; its functions get it with every call, the log holds it once. */
export const inputCharsMax = 16_384;

/** Characters of one part's result as JSON. */
export const resultCharsMax = 16_384;

/** Transactions of one shard that have not ended. */
export const transactionsOpenMax = 100_000;

/** Transactions of one shard that have ended and can still be looked at, the newest ones. */
export const transactionsEndedMax = 100_000;

/** Fences of one shard, at about 200 bytes each: two million transactions of one branch in a day. */
export const fencesMax = 2_000_000;

/** How long a fence is kept after its branch ended. */
export const fenceKeepMs = 86_400_000;

/** Fences dropped in one step. */
export const fencesDroppedPerStep = 1000;
