package harness;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolFamily;
import java.nio.channels.DatagramChannel;
import java.nio.channels.Pipe;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.spi.AbstractSelector;
import java.nio.channels.spi.SelectorProvider;

/**
 * Makes connections from a local address of choice, so that the broker sees consumers of one process at different hosts,
 * as it sees pods. The address is that of the thread that connects, which has it from the thread that started it; so the
 * threads of one consumer share one.
 *
 * <pre>
 * -Djava.nio.channels.spi.SelectorProvider=harness.Bound --add-exports=java.base/sun.nio.ch=ALL-UNNAMED
 * </pre>
 */
public final class Bound extends SelectorProvider {
    private static final InheritableThreadLocal<InetAddress> ADDRESS = new InheritableThreadLocal<>();

    private final SelectorProvider system;

    /** Called by the JVM. */
    public Bound() throws ReflectiveOperationException {
        // Not by its type: javac would refuse it with --release.
        Class<?> known = Class.forName("sun.nio.ch.DefaultSelectorProvider");
        system = (SelectorProvider) known.getMethod("get").invoke(null);
    }

    /** From now on this thread, and those that it starts, connect from here; null: from any address. */
    static void connectFrom(InetAddress address) {
        ADDRESS.set(address);
    }

    @Override
    public SocketChannel openSocketChannel() throws IOException {
        SocketChannel channel = system.openSocketChannel();
        InetAddress address = ADDRESS.get();
        if (address != null) {
            channel.bind(new InetSocketAddress(address, 0));
        }
        return channel;
    }

    @Override
    public DatagramChannel openDatagramChannel() throws IOException {
        return system.openDatagramChannel();
    }

    @Override
    public DatagramChannel openDatagramChannel(ProtocolFamily family) throws IOException {
        return system.openDatagramChannel(family);
    }

    @Override
    public Pipe openPipe() throws IOException {
        return system.openPipe();
    }

    @Override
    public AbstractSelector openSelector() throws IOException {
        return system.openSelector();
    }

    @Override
    public ServerSocketChannel openServerSocketChannel() throws IOException {
        return system.openServerSocketChannel();
    }
}
