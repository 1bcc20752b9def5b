// Package trunklinehttp follows an agent through net/http: a handler that continues the trace of its caller, and a
// transport that hands the current span on, both by the header traceparent of W3C trace context.
package trunklinehttp

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"

	trunkline "trunkline.dev/go"
)

const header = "Traceparent"

// Handler makes each request a trace, which goes on with the trace that the header traceparent names, if it has one. The
// trace, and no span, is current in the request's context. It fails with a status of 500 or more, and with a panic, which goes
// on.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, trace := trunkline.StartTrace(r.Context(), r.Method+" "+r.URL.Path,
			trunkline.WithTraceparent(r.Header.Get(header)), trunkline.String("http.request.method", r.Method),
			trunkline.String("url.path", r.URL.Path))
		defer trace.End()
		answer := &answer{ResponseWriter: w}
		request := r.WithContext(ctx)
		defer func() { // after a panic, too
			r.Pattern = request.Pattern // which a mux sets on the request that it was given
			if request.Pattern != "" {
				trace.Set(trunkline.String("http.route", request.Pattern))
			}
		}()
		next.ServeHTTP(answer, request)
		answer.tell(trace)
	})
}

// An answer remembers the status. What else the writer can do stays possible.
type answer struct {
	http.ResponseWriter
	status   int
	hijacked bool // what is said on the connection from there is not seen
}

func (a *answer) tell(trace *trunkline.Trace) {
	status := a.status
	if status == 0 {
		if a.hijacked {
			return
		}
		status = http.StatusOK
	}
	trace.Set(trunkline.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		trace.SetError("http_"+strconv.Itoa(status), http.StatusText(status))
	}
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK { // not 1xx, after which another follows
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(data []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(data)
}

// WriteString spares a text its copy.
func (a *answer) WriteString(text string) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return io.WriteString(a.ResponseWriter, text)
}

// Flush is for streams of server-sent events.
func (a *answer) Flush() { _ = http.NewResponseController(a.ResponseWriter).Flush() }

// Hijack is for web sockets.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	connection, buffered, err := http.NewResponseController(a.ResponseWriter).Hijack()
	a.hijacked = a.hijacked || err == nil
	return connection, buffered, err
}

// ReadFrom lets files be sent by the kernel.
func (a *answer) ReadFrom(from io.Reader) (int64, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return io.Copy(a.ResponseWriter, from)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
