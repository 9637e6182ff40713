// The camera as the pages of the examples use it: a button that starts and stops it, and a video that is shown picture after picture.

/**
 * A click on `button` starts the camera or stops it. While it runs `show(video)` is called again and again, each time when what it did before is done;
 * `fail(message)` where there is no camera, or the user wants none. Gives `stop()`.
 */
export function createCamera(button, { show, fail }) {
  let stream;

  function stop() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = undefined;
    button.textContent = 'Start the camera';
  }

  async function start() {
    const video = Object.assign(document.createElement('video'), { muted: true, playsInline: true });
    button.disabled = true;
    try {
      // The camera on the back of a phone; others have one only.
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, facingMode: 'environment' } });
      video.srcObject = stream;
      await video.play();
    } catch (error) {
      stop();
      return fail(`The camera cannot be used: ${error.message}`);
    } finally {
      button.disabled = false;
    }
    button.textContent = 'Stop the camera';
    // Until it is stopped, or started anew.
    const mine = stream;
    while (mine && stream === mine) {
      await show(video);
      await new Promise(requestAnimationFrame);
    }
  }

  button.addEventListener('click', () => (stream ? stop() : start()));
  return { stop };
}
