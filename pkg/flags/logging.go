package flags

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"github.com/spf13/pflag"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	// flushEvery is how long a line of the log may stay in memory.
	flushEvery = 500 * time.Millisecond
	// flushSize is how much of the log, in bytes, stays there at most.
	flushSize = 64 << 10
)

// maxVerbosity is the highest --log-level.
const maxVerbosity = 10

// Logging are the flags of the log.
type Logging struct {
	Level  string
	Format string
}

// NewLogging returns the defaults: one line a request, in JSON.
func NewLogging() *Logging { return &Logging{Level: "info", Format: "json"} }

// AddFlags adds the flags to fs.
func (l *Logging) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&l.Level, "log-level", l.Level,
		"what to log: error, info (one line a request), debug (patches, too), or a verbosity from 0 (info) to 10; patches come at 4")
	fs.StringVar(&l.Format, "log-format", l.Format, "json for machines, console for people")
}

// New makes the logger that the flags ask for. An error names the flag, the
// value and the cure.
func (l *Logging) New(out io.Writer) (logr.Logger, error) {
	core, err := l.core(zapcore.Lock(zapcore.AddSync(out)))
	if err != nil {
		return logr.Discard(), err
	}
	return zapr.NewLogger(zap.New(core)), nil
}

// NewBuffered is New for a program that writes a line a request: lines are
// written together, every half second, and at once when one is an error. flush
// writes what is there, and stop does so for the last time.
func (l *Logging) NewBuffered(out io.Writer) (log logr.Logger, flush, stop func() error, err error) {
	// Without its Sync: a pipe has none, and a file must not reach the disk each time.
	buffer := &zapcore.BufferedWriteSyncer{WS: zapcore.AddSync(struct{ io.Writer }{out}), Size: flushSize, FlushInterval: flushEvery}
	core, err := l.core(buffer)
	if err != nil {
		return logr.Discard(), nil, nil, err
	}
	core = zapcore.RegisterHooks(core, func(entry zapcore.Entry) error {
		if entry.Level >= zapcore.ErrorLevel {
			return buffer.Sync()
		}
		return nil
	})
	return zapr.NewLogger(zap.New(core)), buffer.Sync, buffer.Stop, nil
}

func (l *Logging) core(out zapcore.WriteSyncer) (zapcore.Core, error) {
	level, err := l.level()
	if err != nil {
		return nil, err
	}
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoding.EncodeDuration = zapcore.StringDurationEncoder
	var encoder zapcore.Encoder
	switch l.Format {
	case "json":
		encoder = zapcore.NewJSONEncoder(encoding)
	case "console":
		encoding.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		encoding.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(encoding)
	default:
		return nil, fmt.Errorf("--log-format %q: use json or console", l.Format)
	}
	return zapcore.NewCore(encoder, out, level), nil
}

func (l *Logging) level() (zapcore.Level, error) {
	switch l.Level {
	case "error":
		return zapcore.ErrorLevel, nil
	case "info":
		return zapcore.InfoLevel, nil
	case "debug":
		return zapcore.Level(-4), nil // logr's V(4) is zap's -4
	}
	verbosity, err := strconv.ParseUint(l.Level, 10, 8)
	if err != nil || verbosity > maxVerbosity {
		return 0, fmt.Errorf("--log-level %q: use error, info, debug, or a number from 0 to %d", l.Level, maxVerbosity)
	}
	return zapcore.Level(-int8(verbosity)), nil
}
