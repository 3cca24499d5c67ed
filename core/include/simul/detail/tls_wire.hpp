// TlsWire: the encrypted side of a TlsStream: the stream below, as OpenSSL sees it (through stream_bio.hpp),
// and what is held of it. Reading takes what is there, straight into OpenSSL's own buffer (it reads ahead),
// so one receive may bring many records. Writing always succeeds: what the stream below doesn't take is held,
// and nothing more is encrypted before that is gone. So OpenSSL never has to be asked a second time to write
// the same thing, which is what makes a cut-off send dangerous.
//
// During the handshake OpenSSL's reads and writes touch nothing but memory, so that a step of it can be left to
// another thread; exchange() moves the bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>

#include <simul/chunk.hpp>
#include <simul/coro.hpp>
#include <simul/error.hpp>
#include <simul/leaf.hpp>
#include <simul/stream.hpp>

namespace simul::detail {

/// What a server's handshake knows about the signature that it has to make.
struct SlowSignature {
  bool allowed = false;        // if not, SSL_do_handshake stops before one that takes long
  bool chain_matters = false;  // the client says how certificates may be signed
};

class TlsWire {
 public:
  explicit TlsWire(std::unique_ptr<Stream> below) noexcept;
  TlsWire(const TlsWire&) = delete;
  TlsWire& operator=(const TlsWire&) = delete;
  ~TlsWire();

  /// Until close().
  [[nodiscard]] Stream& below() noexcept { return *below_; }
  [[nodiscard]] const Stream& below() const noexcept { return *below_; }
  /// Who waits for an operation of the TlsStream.
  [[nodiscard]] Leaf*& waiter(StreamOp operation) noexcept {
    return waiting_[static_cast<std::size_t>(operation)];
  }

  // --- for OpenSSL ------------------------------------------------------------------------------

  /// Nothing, and no `retry`: the stream below has ended or failed.
  std::size_t read(MutableBytes buffer, bool& retry) noexcept;
  void write(Bytes bytes) noexcept;
  /// A message about the session (KeyUpdate, a ticket) has come. False: too many, without data between them;
  /// nothing more may be read.
  [[nodiscard]] bool allow_message() noexcept;

  // --- the handshake ----------------------------------------------------------------------------

  [[nodiscard]] bool handshaking() const noexcept { return handshaking_; }
  [[nodiscard]] SlowSignature& slow_signature() noexcept { return slow_signature_; }
  /// Is there something to read?
  [[nodiscard]] bool has_arrived() const noexcept;
  /// Sends what is held and waits for what comes next.
  Coro<std::error_code> exchange();
  /// What OpenSSL had to say last is seen off.
  void end_handshake() noexcept;

  // --- afterwards -------------------------------------------------------------------------------

  /// Before OpenSSL is asked to read, or to write: that reads as well, if a part of a message about the
  /// session has come.
  void allow_reads() noexcept {
    drained_ = false;
    reads_left_ = kReadsOfAnAttempt;
  }
  /// Since then.
  [[nodiscard]] bool has_read() const noexcept { return reads_left_ != kReadsOfAnAttempt; }
  /// How many messages about the session have come since the last data?
  [[nodiscard]] std::uint8_t messages() const noexcept { return messages_; }
  void note_data() noexcept { messages_ = 0; }
  /// The peer sends nothing but messages about the session.
  [[nodiscard]] bool flooded() const noexcept { return messages_ > kMostMessages; }
  /// May the last read be repeated although nobody says that there is more?
  [[nodiscard]] bool more() const noexcept { return more_; }
  void set_more(bool more) noexcept { more_ = more; }
  [[nodiscard]] bool drained() const noexcept { return drained_; }
  /// What another read waits for: what the last one said (which need not be bytes), and that what is held
  /// goes, which may be an answer to the peer. What neither waits for may be there all the time.
  [[nodiscard]] Interest read_waits_for() const noexcept;
  [[nodiscard]] PackedError read_error() const noexcept { return read_error_; }
  [[nodiscard]] PackedError write_error() const noexcept { return write_error_; }

  /// Has something been written that isn't on its way yet?
  [[nodiscard]] bool holds() const noexcept {
    return unflushed_ || (extra_ != nullptr && holds_bytes());
  }
  /// So much that nothing should be read that may have to be answered.
  [[nodiscard]] bool overfull() const noexcept;
  /// Sends on what is held. True: nothing is any more, or it never will be taken.
  bool flush() noexcept { return !holds() || flush_held(); }
  /// What flush() waits for.
  [[nodiscard]] Interest held_blocked() const noexcept { return held_blocked_; }
  /// Sees to it that what is held goes out though nobody waits to send.
  void keep_flushing() noexcept;

  /// Wakes all who wait. What is held goes out first, as with the send buffer of a socket.
  void close(Stream::CloseMode mode) noexcept;

 private:
  class Flush;
  struct Extra;

  /// A record is complete after a few, or its peer is slow.
  static constexpr std::uint8_t kReadsOfAnAttempt = 2;
  /// Each costs a derivation of keys, and an answer.
  static constexpr std::uint8_t kMostMessages = 32;

  [[nodiscard]] bool holds_bytes() const noexcept;
  Extra& extra();
  void tidy() noexcept;
  void hold(Bytes bytes) noexcept;
  bool flush_held() noexcept;
  bool leave_behind() noexcept;

  std::unique_ptr<Stream> below_;  // null once it was left to a task that closes it
  std::unique_ptr<Extra> extra_;   // what is seldom there, and not for long
  std::array<Leaf*, 3> waiting_{};
  PackedError read_error_;  // of the stream below
  PackedError write_error_;
  Interest read_blocked_ = Interest::none;
  Interest held_blocked_ = Interest::writable;
  std::uint8_t reads_left_ = 0;  // of the stream below, in this attempt
  std::uint8_t messages_ = 0;    // about the session, since the last data
  SlowSignature slow_signature_;
  bool handshaking_ : 1 = true;
  bool drained_ : 1 = false;
  bool more_ : 1 = false;
  bool unflushed_ : 1 = false;  // the stream below holds a part of what it took
};

}  // namespace simul::detail
