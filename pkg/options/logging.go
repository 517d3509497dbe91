package options

import (
	"fmt"
	"io"
	"strconv"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"github.com/spf13/pflag"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
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
	level, err := l.level()
	if err != nil {
		return logr.Discard(), err
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
		return logr.Discard(), fmt.Errorf("--log-format %q: use json or console", l.Format)
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(out)), level)
	return zapr.NewLogger(zap.New(core)), nil
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
